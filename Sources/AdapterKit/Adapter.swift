public import BusProtocol
public import ChannelEvents
public import JSON
public import OperatingHome

/// One platform's side of Switchboard: all that an author writes.
///
///     @main struct Weather: Adapter {
///         static let description = AdapterDescription(kind: "weather", summary: "Storm warnings", abilities: Abilities())
///         let connection: AdapterConnection
///         init(_ connection: AdapterConnection) throws { self.connection = connection }
///         func run() async throws { … try await connection.publish([event], cursor: cursor) … }
///         func execute(_ command: PlatformCommand) async -> SendOutcome { .rejected(reason: "warnings only") }
///     }
///
/// The kit does the rest: it finds the router, proves the source's name, survives the router's restarts, keeps to the
/// credit, numbers and repeats what must not be lost, never carries out a command twice, and stops cleanly. An
/// instance is made once the router has welcomed the process, and made anew when its settings change.
public protocol Adapter: Sendable {
    static var description: AdapterDescription { get }

    /// Judges what the schema cannot: a port that is taken, a secret that leads nowhere, settings that contradict.
    /// Called by `check`, with settings that fit the schema.
    static func check(_ settings: JSONValue, secrets: SecretResolver) async -> [AdapterProblem]

    /// Gives the adapter that runs with these settings what its platform would have sent. Refuses unless it is made.
    static func deliver(
        _ sample: PlatformSample, settings: JSONValue, places: Places, secrets: SecretResolver
    ) async throws(AdapterFailure) -> SampleAnswer

    /// What to tell a person whose settings are sound: where to go on, such as a link. Called by `check` after
    /// ``check(_:secrets:)`` found nothing.
    static func notes(_ settings: JSONValue, secrets: SecretResolver) async -> [String]

    /// What set-ups of other programs on this machine could be taken over. Called by `init --import`.
    static func imports(_ environment: [String: String]) -> [SetupImport]

    /// Takes its settings. Opens nothing yet: that is ``run()``'s.
    /// - Throws: ``AdapterFailure`` when a person must mend something; the kit tries again later, and at once when
    ///   the settings change.
    init(_ connection: AdapterConnection) throws

    /// Talks to the platform until its task is cancelled; returns then, within a few seconds.
    /// - Throws: ``AdapterFailure`` as in ``init(_:)``. Any other error ends the process, for its supervisor to restart.
    func run() async throws

    /// Carries out one command and says how certain the outcome is. Commands of one chat come one at a time and in
    /// order; those of different chats at once. It queues nothing itself: what cannot be done now is `retry`.
    func execute(_ command: PlatformCommand) async -> SendOutcome

    /// Gives the bytes of an attachment that it named in an event. Asked only of adapters that declare the feature
    /// `fetch`; several at once, beside commands.
    /// - Throws: ``FetchFailure``: `gone` when the platform has it no more, `oversize` when it is longer than
    ///   ``AttachmentRequest/limit``, `unavailable` when it is worth trying later.
    func fetch(_ attachment: AttachmentRequest) async throws(FetchFailure) -> AttachmentContent

    /// Gives what was said in a chat before, newest last, as it published it or would have: the same ids. Asked only of
    /// adapters that declare the feature `history`.
    func history(_ request: HistoryRequest) async throws(FetchFailure) -> [Event]
}

extension Adapter {
    public static func check(_ settings: JSONValue, secrets: SecretResolver) async -> [AdapterProblem] { [] }
    public static func notes(_ settings: JSONValue, secrets: SecretResolver) async -> [String] { [] }
    public static func imports(_ environment: [String: String]) -> [SetupImport] { [] }

    public func fetch(_ attachment: AttachmentRequest) async throws(FetchFailure) -> AttachmentContent {
        throw FetchFailure(.unsupported, "this adapter gives no files")
    }

    public func history(_ request: HistoryRequest) async throws(FetchFailure) -> [Event] {
        throw FetchFailure(.unsupported, "this adapter gives no history")
    }
}
