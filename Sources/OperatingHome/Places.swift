#if canImport(Darwin)
    import Darwin
#else
    import Glibc
#endif

/// Where everything of one Switchboard lies. A value that every process derives alike from its environment.
///
/// `SWITCHBOARD_HOME` holds everything when it is set; else the XDG directories, on macOS
/// `~/Library/Application Support/Switchboard`. Nothing is made before ``prepare()``.
public struct Places: Hashable, Sendable {
    /// Holds ``configurationFile`` and ``secretsFile``; `file:` secrets are relative to it.
    public let configuration: String
    /// Holds the database and the source keys.
    public let state: String
    /// Sockets and locks of running processes.
    public let run: String
    public let logs: String
    /// Holds the sockets: ``run``, or a short private folder when paths in ``run`` are too long for a socket.
    public let sockets: String

    /// The places under one folder, as `SWITCHBOARD_HOME` gives them.
    public init(home: String) {
        let home = Self.canonical(home)
        self.init(configuration: home, state: home + "/state", run: home + "/run", logs: home + "/logs")
    }

    private init(configuration: String, state: String, run: String, logs: String) {
        self.configuration = configuration
        self.state = state
        self.run = run
        self.logs = logs
        sockets = Self.socketFolder(for: run)
    }

    /// The places of this process's environment.
    /// - Throws: ``HomeError`` with `noHome` when neither a variable nor the user database names a home folder.
    public static func current() throws(HomeError) -> Places {
        try Places(environment: ProcessEnvironment.all())
    }

    public init(environment: [String: String]) throws(HomeError) {
        if let home = environment["SWITCHBOARD_HOME"], !home.isEmpty {
            self.init(home: home)
            return
        }
        guard let user = Self.userHome(environment) else {
            throw HomeError(.noHome, "no home folder: set HOME, or SWITCHBOARD_HOME to a folder for Switchboard")
        }
        #if os(macOS)
            self.init(home: user + "/Library/Application Support/Switchboard")
        #else
            let configuration = Self.absolute(environment["XDG_CONFIG_HOME"]) ?? user + "/.config"
            let state = Self.canonical(
                (Self.absolute(environment["XDG_STATE_HOME"]) ?? user + "/.local/state") + "/switchboard")
            // Not XDG_RUNTIME_DIR: a session over ssh or from cron lacks it, and the lock that keeps two routers off
            // one database must be the same file for all of them.
            self.init(
                configuration: Self.canonical(configuration + "/switchboard"), state: state, run: state + "/run",
                logs: state + "/logs")
        #endif
    }

    public var configurationFile: String { configuration + "/switchboard.yaml" }
    public var secretsFile: String { configuration + "/secrets.env" }
    public var database: String { state + "/switchboard.sqlite3" }
    public var routerLock: String { run + "/router.lock" }
    public var supervisorLock: String { run + "/up.lock" }
    /// Path of the ROUTER socket; short enough for the system.
    public var routerSocket: String { sockets + "/router.sock" }
    /// Path of the PUB socket of the tap.
    public var tapSocket: String { sockets + "/tap.sock" }
    public var sourceKeys: String { state + "/keys" }

    /// The file with the key that an adapter proves a source's name with.
    /// - Parameter source: a valid source name.
    public func sourceKeyFile(_ source: String) -> String { "\(sourceKeys)/\(source).key" }

    /// The log of one process that `switchboard up` runs.
    public func logFile(_ name: String) -> String { "\(logs)/\(name).log" }

    /// Makes the folders that are missing, for the user alone, and checks those that are there. Every process calls
    /// it before it opens a socket: a folder that someone else could write to would be someone else's socket.
    /// - Throws: ``HomeError`` naming the path and what mends it.
    public func prepare() throws(HomeError) {
        // Whatever this process makes from here on (the database among it) is for the user alone.
        umask(0o077)
        try PrivateFolder.make(configuration, readable: true)
        for folder in [state, run, logs, sourceKeys] { try PrivateFolder.make(folder) }
        if sockets != run { try PrivateFolder.make(sockets) }
    }

    private static let longestSocketName = "/router.sock".utf8.count
    #if canImport(Darwin)
        /// `sun_path` less its final zero.
        static let socketPathLimit = 103
    #else
        static let socketPathLimit = 107
    #endif

    private static func socketFolder(for run: String) -> String {
        if run.utf8.count + longestSocketName <= socketPathLimit { return run }
        // Not TMPDIR: it differs between a desktop session, ssh and cron, and all processes must find the same.
        return "/tmp/switchboard-\(geteuid())-\(fingerprint(run))"
    }

    /// FNV-1a, so that the folder's name is the same in every process; it protects nothing, ``PrivateFolder`` does.
    private static func fingerprint(_ text: String) -> String {
        let hash = text.utf8.reduce(0xCBF2_9CE4_8422_2325 as UInt64) { ($0 ^ UInt64($1)) &* 0x100_0000_01B3 }
        return String(hash, radix: 36)
    }

    private static func absolute(_ path: String?) -> String? {
        // The XDG specification has relative paths ignored.
        guard let path, path.hasPrefix("/") else { return nil }
        return path
    }

    private static func userHome(_ environment: [String: String]) -> String? {
        if let home = absolute(environment["HOME"]) { return home }
        guard let entry = getpwuid(geteuid()), let folder = entry.pointee.pw_dir else { return nil }
        let home = String(cString: folder)
        return home.isEmpty ? nil : home
    }

    /// The same text for the same folder, however it is reached: absolute, links resolved as far as it exists.
    static func canonical(_ path: String) -> String {
        var head = path.hasPrefix("/") ? path : (resolved(".") ?? "") + "/" + path
        var tail: [Substring] = []
        while head.count > 1, head.hasSuffix("/") { head.removeLast() }
        while true {
            if let real = resolved(head.isEmpty ? "/" : head) {
                let base = real == "/" ? "" : real
                return tail.isEmpty ? real : base + "/" + tail.reversed().joined(separator: "/")
            }
            guard let slash = head.lastIndex(of: "/") else { return path }
            let name = head[head.index(after: slash)...]
            if !name.isEmpty, name != "." { tail.append(name) }
            head = String(head[..<slash])
        }
    }

    private static func resolved(_ path: String) -> String? {
        guard let real = realpath(path, nil) else { return nil }
        defer { free(real) }
        return String(cString: real)
    }
}
