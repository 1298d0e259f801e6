public import BusProtocol
public import ChannelEvents
public import JSON
public import Logging
public import OperatingHome

/// An adapter's line to the router. Values of it may be used from any task.
public final class AdapterConnection: Sendable {
    /// The name of this adapter's source, as the router stamps it on every event.
    public let source: SourceName
    /// The adapter's section of the configuration: it fits the declared shape, secrets stand as references.
    public let settings: JSONValue
    /// The cursor that was committed last; `nil` when there is none. Only the adapter reads it.
    public let cursor: JSONValue?
    /// Where this home keeps its files.
    public let places: Places
    /// Turns `env:` and `file:` references into secrets.
    public let secrets: SecretResolver
    public let log: Logger

    let loader: FileLoader
    private let publisher: Publisher
    private let sendHealth: @Sendable (Health) -> Void
    private let standing: Latest<AdapterStanding>

    init(
        source: SourceName, settings: JSONValue, cursor: JSONValue?, places: Places, secrets: SecretResolver,
        log: Logger,
        publisher: Publisher, loader: FileLoader, standing: Latest<AdapterStanding>,
        sendHealth: @escaping @Sendable (Health) -> Void
    ) {
        self.source = source
        self.settings = settings
        self.cursor = cursor
        self.places = places
        self.secrets = secrets
        self.log = log
        self.publisher = publisher
        self.loader = loader
        self.standing = standing
        self.sendHealth = sendHealth
    }

    /// Publishes events in order and returns when they are committed. Only then may the platform be told so: the next
    /// offset, an HTTP 2xx, a watermark.
    ///
    /// It suspends while the router is away or gives no credit, which is how an adapter slows down: it reads no more
    /// of its platform until this returns. Publishes made at the same time travel together.
    /// - Parameters:
    ///   - cursor: where the adapter stands on its platform once these events are committed; stored with them. Events
    ///     may be empty, so that the cursor moves past updates that are no events.
    ///   - limit: how long to wait at most; `nil` waits for as long as the adapter runs.
    /// - Returns: the events that the router refused. They are dealt with and need not be sent again.
    /// - Throws: ``PublishError``. An event published again under the same id is stored once.
    public func publish(
        _ events: [Event], cursor: JSONValue? = nil, within limit: Duration? = nil
    ) async throws(PublishError) -> Publication {
        let encoded = events.map { PublishedEvent(head: $0.head, body: $0.body.json) }
        return try await publisher.publish(encoded, cursor: cursor?.bytes, within: limit)
    }

    /// Says how the adapter stands with its platform. The newest report counts and is repeated to a new router.
    /// - Parameters:
    ///   - reason: for a person; no secret and no message text in it.
    ///   - resumed: chats whose held commands are worth trying now.
    public func report(_ state: Health.State, reason: String? = nil, resumed: [String] = []) {
        sendHealth(Health(state: state, reason: reason, resumed: resumed))
    }

    /// Whether the router has this adapter welcomed at this moment.
    public var isWelcomed: Bool { standing.value.isWelcomed }

    /// Returns when the router has this adapter welcomed; `false` when the adapter stops first.
    public func welcomed() async -> Bool {
        let standing = await standing.wait { $0.isWelcomed || $0.end != nil }
        return standing?.isWelcomed ?? false
    }

    /// How full the way to the router is: publishes that wait, events under way.
    public var depth: (waiting: Int, underWay: Int) { publisher.depth }
}
