public import BusProtocol
public import ChannelEvents
public import JSON
public import OperatingHome

/// What the contract suite needs to know of an adapter and its platform, or of the platform's simulator.
public protocol AdapterFixture: AnyObject, Sendable {
    /// The adapter's program, such as `switchboard-webhook`.
    var program: String { get }
    /// The settings it runs with.
    var settings: JSONValue { get }
    /// A chat that the platform has.
    var chat: String { get }

    /// Called once before the adapter starts, with the home it will run in.
    func prepare(_ places: Places, source: String) throws

    /// The adapter says that it is up. Called after each of its starts.
    func isUp(_ health: Health) async throws

    /// The platform shows the adapter a message.
    /// - Parameter identity: the platform's name for it; the same again is the same message shown again.
    /// - Returns: what the adapter told the platform.
    func show(_ text: String, identity: String) async throws -> AdapterContract.Shown

    /// The platform shows the adapter a message with one file; `nil` when the adapter declares no `fetch`.
    func show(file: [UInt8], identity: String) async throws -> AdapterContract.Shown?

    /// Waits until the platform took a message with files, and gives their bytes; `nil` when it declares no `files`.
    func takenFiles() async throws -> [[UInt8]]?

    /// Makes the platform ready to take what the adapter sends to ``chat``.
    func open() async throws

    /// Waits until the platform took `count` messages in all, and gives their texts in order.
    func taken(_ count: Int) async throws -> [String]

    /// Whether an event is the message of this identity.
    func isEvent(_ head: EventHead, of identity: String) -> Bool

    /// What the platform can be told of a message that is refused; most can only be told that it was read.
    var refusal: AdapterContract.Shown { get }

    /// So many messages are shown next, all at once: a platform that is polled keeps them until all are there.
    func willShow(_ count: Int)

    /// Whether the platform takes a file without a byte; most that do not are told so by their adapter.
    var takesEmptyFiles: Bool { get }

    /// The adapter's process was killed: what it was shown and did not acknowledge, it will not acknowledge any more.
    func wasKilled()
}

extension AdapterFixture {
    public func prepare(_ places: Places, source: String) throws {}
    public func isEvent(_ head: EventHead, of identity: String) -> Bool { head.id.contains(identity) }
    public var refusal: AdapterContract.Shown { .refused }
    public func willShow(_ count: Int) {}
    public var takesEmptyFiles: Bool { true }
    public func wasKilled() {}
}

extension AdapterFixture {
    public func show(file: [UInt8], identity: String) async throws -> AdapterContract.Shown? { nil }
    public func takenFiles() async throws -> [[UInt8]]? { nil }
}
