import BusProtocol
import JSON
public import OperatingHome
import Synchronization

#if canImport(Darwin)
    import Darwin
#else
    import Glibc
#endif

/// One adapter's process and one scripted router, in a home of their own.
public final class AdapterBench: Sendable {
    public enum Ending { case terminate, lifeline }

    public let router: TestRouter
    public let source = "bench"
    private let fixture: any AdapterFixture
    private let folder: TemporaryFolder
    private let program: String
    private let adapter = Mutex<ChildProcess?>(nil)
    private let launches = Mutex<[Int32: String]>([:])
    /// Processes that the test itself ends: the end of any other is a failure.
    private let ending = Mutex<Set<Int32>>([])

    /// A router with the fixture's settings; nothing runs yet.
    public init(_ fixture: any AdapterFixture) throws {
        self.fixture = fixture
        folder = try TemporaryFolder()
        program = try BuiltProgram.path(fixture.program)
        router = TestRouter(places: Places(home: folder.path))
        router.script { $0.settings = fixture.settings }
    }

    public func start() async throws {
        try fixture.prepare(router.places, source: source)
        try await router.start()
        try await startAdapter()
    }

    public func stop() async {
        expectEnd(of: adapter.withLock { $0 })
        adapter.withLock { $0 }?.signal(SIGKILL)
        _ = await adapter.withLock { $0 }?.exit()
        do {
            try await router.stop()
        } catch {
            // The test has failed already, or its net will tell.
        }
    }

    public var adapterPID: Int32 { adapter.withLock { $0?.pid ?? 0 } }

    public var adapterStatus: ExitStatus? { adapter.withLock { $0 }?.status }

    /// Starts the adapter and waits until it says that it is up.
    public func startAdapter() async throws {
        router.memory.change { $0.health = [] }
        let child = try launch()
        adapter.withLock { $0 = child }
        child.onExit { [router, self] status in
            guard !ending.withLock({ $0.contains(child.pid) }) else { return }
            router.memory.change {
                $0.health.append(Health(state: .failed, reason: "it ended with \(status): \(self.log(of: child.pid))"))
            }
        }
        let memory = try await router.memory.wait(for: "the adapter to be up") { !$0.health.isEmpty }
        guard let health = memory.health.last, health.state == .up else {
            throw AdapterContract.Violation(description: "the adapter is not up: \(memory.health.last?.reason ?? "")")
        }
        try await fixture.isUp(health)
    }

    public func launch() throws -> ChildProcess {
        let log = "\(folder.path)/\(RandomBytes.hexadecimal(count: 4)).log"
        var environment = ProcessEnvironment.all()
        environment["SWITCHBOARD_HOME"] = folder.path
        environment["SWITCHBOARD_SOURCE"] = source
        var command = ChildCommand(program, environment: environment)
        command.output = .null
        command.errors = .file(log)
        let child = try ChildProcess.start(command)
        launches.withLock { $0[child.pid] = log }
        return child
    }

    public func kill() async throws {
        let child = adapter.withLock { $0 }
        expectEnd(of: child)
        child?.signal(SIGKILL)
        _ = await child?.exit()
        fixture.wasKilled()
        try await forget()
    }

    public func signal(_ ending: Ending) async throws {
        let child = adapter.withLock { $0 }
        expectEnd(of: child)
        switch ending {
        case .terminate: child?.signal(SIGTERM)
        case .lifeline: child?.cutLifeline()
        }
        _ = await child?.exit()
        try await forget()
    }

    private func expectEnd(of child: ChildProcess?) {
        guard let child else { return }
        ending.withLock { _ = $0.insert(child.pid) }
    }

    /// A dead process holds its source until its supervisor reports it; here that is the test.
    private func forget() async throws {
        router.release(source)
        _ = try await router.memory.wait(for: "the source to be free") { [source] in !$0.welcomed.contains(source) }
    }

    /// What a process said on standard error so far.
    public func errors(of child: ChildProcess) -> String { log(of: child.pid) }

    private func log(of pid: Int32) -> String {
        guard let path = launches.withLock({ $0[pid] }), let file = fopen(path, "r") else { return "" }
        defer { fclose(file) }
        var buffer = [UInt8](repeating: 0, count: 65_536)
        let count = fread(&buffer, 1, buffer.count, file)
        return String(decoding: buffer[..<count], as: UTF8.self)
    }
}
