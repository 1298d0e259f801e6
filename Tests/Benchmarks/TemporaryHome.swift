import BusProtocol
import ChannelEvents
import JSON
import MessageBus
import OperatingHome

#if canImport(Darwin)
    import Darwin
#else
    import Glibc
#endif

enum Programs {
    static func besideThis() throws -> String {
        let own = try ProgramFinder.ownPath()
        return String(own[..<(own.lastIndex(of: "/") ?? own.startIndex)])
    }
}

/// A home of its own with a real router in it, gone afterwards.
final class TemporaryHome {
    let path: String
    let places: Places
    private(set) var router: ChildProcess?
    private let programs: String

    init(
        programs: String,
        configuration: String = "delivery: { attach_settle: 0s, first_push_wait: 0s }\nlog: { level: error }\n"
    ) throws {
        self.programs = programs
        var template = Array("/tmp/switchboard-bench-XXXXXX".utf8CString)
        guard mkdtemp(&template) != nil else { throw Failure("cannot make a folder in /tmp") }
        path = template.withUnsafeBufferPointer { String(cString: $0.baseAddress!) }
        places = Places(home: path)
        try places.prepare()
        let file = open(places.configurationFile, O_WRONLY | O_CREAT, 0o600)
        _ = write(file, configuration, configuration.utf8.count)
        close(file)
    }

    var environment: [String: String] {
        var environment = ProcessEnvironment.all()
        environment["SWITCHBOARD_HOME"] = path
        return environment
    }

    func startRouter() throws {
        router = try ChildProcess.start(
            ChildCommand(programs + "/switchboard-router", environment: environment))
    }

    /// A peer that is an adapter of its own source, welcomed.
    func adapter(_ name: String, limits: PeerLimits = PeerLimits(), onEvent: @escaping @Sendable (PeerEvent) -> Void)
        throws -> BusPeer
    {
        let hello = Hello(
            role: .adapter, name: name, program: "benchmark", instance: RandomBytes.hexadecimal(count: 8),
            pid: Int64(getpid()),
            key: try SourceKey.load(name, places: places), abilities: Abilities(verbs: ["send"]))
        let peer = BusPeer(address: .local(path: places.routerSocket), hello: hello, limits: limits, onEvent: onEvent)
        try peer.start()
        return peer
    }

    func remove() {
        router?.cutLifeline()
        if let router { while router.status == nil { usleep(1_000) } }
        try? ProcessRunner.run("/bin/rm", ["-rf", path])
    }
}

struct Failure: Error, CustomStringConvertible {
    let description: String
    init(_ description: String) { self.description = description }
}

enum Clock {
    static var nanoseconds: Int64 {
        var time = timespec()
        clock_gettime(CLOCK_MONOTONIC, &time)
        return Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec)
    }

    static var wallMilliseconds: Int64 {
        var time = timespec()
        clock_gettime(CLOCK_REALTIME, &time)
        return Int64(time.tv_sec) * 1_000 + Int64(time.tv_nsec) / 1_000_000
    }
}

enum ProcessRunner {
    /// Runs a program to its end.
    static func run(_ program: String, _ arguments: [String]) throws {
        let child = try ChildProcess.start(ChildCommand(program, arguments, hasLifeline: false))
        while child.status == nil { usleep(500) }
    }
}
