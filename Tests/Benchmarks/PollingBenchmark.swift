import Dispatch
import JSON
import OperatingHome
import SwitchboardTesting
import Synchronization

#if canImport(Darwin)
    import Darwin
#else
    import Glibc
#endif

/// Updates that waited on a polled platform, drained through the real adapter into the real router.
extension Bench {
    func updates() throws {
        let count: Int64 = isSmoke ? 300 : 10_000
        let stage = try SimulatedStage(programs: programs)
        defer { stage.end() }

        // The floor: the same updates from the same server by a client that does nothing with them.
        try stage.post(count)
        let floorStart = Clock.nanoseconds
        try stage.drainBare()
        let floor = Double(count) / (Double(Clock.nanoseconds - floorStart) / 1e9)

        try stage.post(count)
        let configuration = """
            adapters: { telegram: { token: "env:TELEGRAM_TOKEN", api_base: "http://127.0.0.1:\(stage.port)" } }
            access: { telegram: { allow: ["42"] } }
            log: { level: error }

            """
        let home = try TemporaryHome(programs: programs, configuration: configuration)
        defer { home.remove() }
        try home.startRouter()
        var command = ChildCommand(programs + "/switchboard-telegram", environment: home.environment)
        command.environment["TELEGRAM_TOKEN"] = SimulatedStage.token
        command.environment["SWITCHBOARD_SOURCE_KEY"] = try SourceKey.load("telegram", places: home.places)
        command.errors = .null
        let adapter = try ChildProcess.start(command)
        defer {
            _ = adapter.signal(SIGTERM)
            while adapter.status == nil { usleep(1_000) }
        }
        while try stage.commits() == stage.commitsBefore, adapter.status == nil { usleep(500) }
        let start = Clock.nanoseconds
        let first = try stage.waiting()
        while try stage.waiting() > 0 {
            guard adapter.status == nil else { throw Failure("the adapter ended") }
            usleep(2_000)
        }
        let rate = Double(first) / (Double(Clock.nanoseconds - start) / 1e9)
        report(
            "updates, polled to commit", "\(Int(rate)) updates/s",
            "\((rate / floor).rounded(to: 2)) of a client that only polls (\(Int(floor))/s)")
        usleep(isSmoke ? 10_000 : 3_000_000)
        if let memory = Memory.proportional(of: adapter.pid) {
            report("  its adapter, at rest", "\(memory.rounded(to: 1)) MB PSS", "bar 25 MB")
        }
    }
}

/// The platform's simulator as a process of its own.
private final class SimulatedStage {
    static let token = "7:simulated-token-of-nobody"

    let port: UInt16
    private(set) var commitsBefore = 0
    private let process: ChildProcess

    init(programs: String) throws {
        var command = ChildCommand(programs + "/telegram-simulator", ["--port", "0"], hasLifeline: false)
        command.input = .pipe
        command.output = .pipe
        process = try ChildProcess.start(command)
        var bytes: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 4_096)
        while bytes.firstRange(of: Array("with the bot".utf8)) == nil {
            let count = read(process.output ?? -1, &chunk, chunk.count)
            guard count > 0 else { throw Failure("the simulator ended") }
            bytes += chunk[..<count]
        }
        let text = String(decoding: bytes, as: UTF8.self)
        guard let number = text.split(separator: "127.0.0.1:").dropFirst().first?.prefix(while: \.isNumber),
            let port = UInt16(number)
        else { throw Failure("the simulator says no port") }
        self.port = port
    }

    func end() { _ = process.signal(SIGKILL) }

    func post(_ count: Int64) throws {
        _ = try ask(
            "simulator/say", ["from": 42, "text": "the build of main is green again", "count": .integer(count)])
        commitsBefore = try commits()
    }

    func waiting() throws -> Int64 { try ask("simulator/state", [:])["waiting"]?.integerValue ?? 0 }

    func commits() throws -> Int { try ask("simulator/state", [:])["commits"]?.arrayValue?.count ?? 0 }

    func drainBare() throws {
        var offset: Int64 = 0
        while true {
            let batch =
                try ask("bot\(Self.token)/getUpdates", ["offset": .integer(offset), "timeout": 0]).arrayValue ?? []
            guard let last = batch.last?["update_id"]?.integerValue else { return }
            offset = last + 1
        }
    }

    private func ask(_ path: String, _ object: JSONObject) throws -> JSONValue {
        let body = JSONValue.object(object).text
        let outcome = Mutex<Result<JSONValue, any Error>?>(nil)
        let done = DispatchSemaphore(value: 0)
        Task { [port] in
            do {
                let answer = try await HTTPProbe(port: port).post(
                    "/\(path)", body, headers: ["Content-Type": "application/json"])
                let value = try JSONValue(parsing: answer.body)
                outcome.withLock { $0 = .success(value["result"] ?? nil) }
            } catch {
                outcome.withLock { $0 = .failure(error) }
            }
            done.signal()
        }
        done.wait()
        guard let result = outcome.withLock({ $0 }) else { throw Failure("the simulator does not answer") }
        return try result.get()
    }
}
