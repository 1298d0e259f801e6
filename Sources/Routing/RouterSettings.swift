public import AccessControl
public import BusProtocol
public import ChannelEvents
public import JSON

/// What the configuration says to the router. A value: a reload replaces it whole.
public struct RouterSettings: Sendable {
    /// The baseline, before what `switchboard access` changed.
    public var access: AccessPolicy
    /// The baseline is all there is: `switchboard access` may not change it.
    public var isAccessStatic: Bool
    /// What the machine's administrator laid down; `nil` when nothing.
    public var managed: ManagedRules?
    /// The kind of each source's adapter, where it is not the source's name.
    public var kinds: [SourceName: String] = [:]
    /// The first that matches wins.
    public var routes: [RouteRule]
    /// Each source's section of the configuration, secrets as references; goes to its adapter in WELCOME.
    public var adapters: [SourceName: JSONValue]
    /// A new incarnation gets nothing for so long, in milliseconds: a handshake is not a session.
    public var attachSettle: Int64
    /// After its first push a session without hooks gets the rest so much later, in milliseconds.
    public var firstPushWait: Int64
    public var permissions: PermissionSettings
    /// What one adapter may have unacknowledged.
    public var adapterCredit: Credit
    public var turns: TurnSettings
    public var files: FileLimits
    /// Where received files lie on this machine.
    public var fileFolder: String
    /// How people see what programs send; the first that matches.
    public var feeds: [Feed] = []
    /// The time of day where the owner is, in minutes since midnight, from the wall clock.
    public var minuteOfDay: @Sendable (Int64) -> Int = { Int($0 / 60_000 % 1_440) }
    public var version: String

    public init(
        access: AccessPolicy = AccessPolicy(), isAccessStatic: Bool = false, routes: [RouteRule] = [],
        adapters: [SourceName: JSONValue] = [:],
        attachSettle: Int64 = 3_000, firstPushWait: Int64 = 5_000,
        permissions: PermissionSettings = PermissionSettings(),
        adapterCredit: Credit = Credit(events: 2_048, bytes: 4 << 20), turns: TurnSettings = TurnSettings(),
        files: FileLimits = FileLimits(), fileFolder: String = "", version: String = ""
    ) {
        self.access = access
        self.isAccessStatic = isAccessStatic
        self.routes = routes
        self.adapters = adapters
        self.attachSettle = attachSettle
        self.firstPushWait = firstPushWait
        self.permissions = permissions
        self.adapterCredit = adapterCredit
        self.turns = turns
        self.files = files
        self.fileFolder = fileFolder
        self.version = version
    }
}

/// Now, twice: the wall clock for what is stored and shown, a monotonic one for durations.
public struct Moment: Hashable, Sendable {
    /// Milliseconds since 1970.
    public var wall: Int64
    /// Milliseconds since some start; never jumps.
    public var uptime: Int64

    public init(wall: Int64, uptime: Int64) {
        self.wall = wall
        self.uptime = uptime
    }
}
