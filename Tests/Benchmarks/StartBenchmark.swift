import OperatingHome

#if canImport(Darwin)
    import Darwin
#else
    import Glibc
#endif

extension Bench {
    /// `switchboard mcp`: from exec to the reply to `initialize`, and what it occupies when it is attached.
    func start() throws {
        let home = try TemporaryHome(programs: programs)
        defer { home.remove() }
        try home.startRouter()
        var samples = Samples()
        for _ in 0..<(isSmoke ? 3 : 100) {
            let start = Clock.nanoseconds
            let endpoint = try Endpoint(programs: programs, environment: home.environment)
            try endpoint.say(Endpoint.initialize)
            _ = try endpoint.line()
            samples.add(Clock.nanoseconds - start)
            endpoint.end()
        }
        report(
            "mcp, exec to initialize", "p50 \(samples.percentile(50)) µs, p99 \(samples.percentile(99)) µs",
            "bar 10000 µs")
        let endpoint = try Endpoint(programs: programs, environment: home.environment)
        defer { endpoint.end() }
        try endpoint.attach()
        if let memory = Memory.proportional(of: endpoint.process.pid) {
            report("mcp, attached", "\(memory.rounded(to: 1)) MB PSS", "bar 12")
        }
    }

    /// Everything `up` starts, at rest with one endpoint: memory and processor time.
    func memory() throws {
        let home = try TemporaryHome(programs: programs)
        defer { home.remove() }
        var command = ChildCommand(programs + "/switchboard", ["up"], environment: home.environment)
        command.output = .null
        command.errors = .null
        let supervisor = try ChildProcess.start(command)
        defer {
            _ = supervisor.signal(SIGTERM)
            while supervisor.status == nil { usleep(1_000) }
        }
        let endpoint = try Endpoint(programs: programs, environment: home.environment)
        defer { endpoint.end() }
        try endpoint.attach()
        usleep(2_000_000)
        let family = [supervisor.pid, endpoint.process.pid] + children(of: supervisor.pid)
        let seconds = isSmoke ? 1.0 : 20.0
        let before = family.compactMap(Memory.processorTime(of:)).reduce(0, +)
        usleep(UInt32(seconds * 1e6))
        let used = family.compactMap(Memory.processorTime(of:)).reduce(0, +) - before
        var total = 0.0
        for pid in family {
            guard let memory = Memory.proportional(of: pid) else { continue }
            total += memory
            report("  \(name(of: pid))", "\(memory.rounded(to: 1)) MB PSS", "")
        }
        report(
            "at rest, \(family.count) processes",
            "\(total.rounded(to: 1)) MB PSS, \((used / seconds * 100).rounded(to: 2)) % of a core",
            "bar 160 MB with all adapters, 0.5 %")
    }

    private func children(of pid: Int32) -> [Int32] {
        readFile("/proc/\(pid)/task/\(pid)/children").split(separator: " ").compactMap { Int32($0) }
    }

    private func name(of pid: Int32) -> String {
        String(readFile("/proc/\(pid)/comm").split(separator: "\n").first ?? "?")
    }

    private func readFile(_ path: String) -> String {
        let file = open(path, O_RDONLY)
        guard file >= 0 else { return "" }
        defer { close(file) }
        var bytes = [UInt8](repeating: 0, count: 4_096)
        let count = read(file, &bytes, bytes.count)
        return count > 0 ? String(decoding: bytes[..<count], as: UTF8.self) : ""
    }
}
