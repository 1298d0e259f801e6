import JSON
import OperatingHome
import SwitchboardTesting
import Synchronization

#if canImport(Darwin)
    import Darwin
#else
    import Glibc
#endif

/// Adapter, router and two sessions on one home, and the means to kill them. Driven by one task.
final class RehearsalStage {
    enum Victim: String, CaseIterable {
        case adapter, router, endpoint, supervisor
        /// All at once, as a loss of power does.
        case everything
    }

    static let labels = ["left", "right"]
    static let configuration = """
        adapters: { rehearsal: {} }
        access: { rehearsal: { allow: [ann] } }
        routes:
          - { match: { conversation: "rehearsal:c0" }, to: left }
          - { match: { conversation: "rehearsal:c1" }, to: left }
          - { match: { conversation: "rehearsal:c2" }, to: left }
          - { match: { conversation: "rehearsal:c3" }, to: left }
          - { match: { source: rehearsal }, to: right }
        delivery: { attach_settle: 0s, first_push_wait: 0s }
        log: { level: warning }

        """

    let home: SwitchboardHomeFixture
    let record = RehearsalRecord()
    let router: KeptProcess
    let adapter: KeptProcess
    /// The platform's files.
    let platform: String
    private(set) var posted: Int64 = 0
    private var sessions: [String: RehearsedSession] = [:]
    private var incarnations = 0
    private let postedFile: Int32

    init(_ home: SwitchboardHomeFixture) throws {
        self.home = home
        try home.places.prepare()
        platform = home.places.state + "/rehearsal"
        guard mkdir(platform, 0o700) == 0 else { throw SwitchboardHomeFixture.Failure(description: "mkdir: \(errno)") }
        postedFile = open("\(platform)/posted", O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
        router = KeptProcess { [home] in
            try home.start(try Self.logged(home.command("switchboard-router"), "router", home))
        }
        adapter = KeptProcess { [home] in
            try home.start(try Self.logged(home.command("switchboard-rehearsal"), "rehearsal", home))
        }
    }

    deinit { close(postedFile) }

    private static func logged(
        _ command: ChildCommand, _ name: String, _ home: SwitchboardHomeFixture
    ) throws -> ChildCommand {
        var command = command
        command.output = .file(home.places.logFile(name))
        command.mergesErrors = true
        command.environment["SWITCHBOARD_LOG_LEVEL"] = "warning"
        return command
    }

    func begin() async throws {
        router.start()
        adapter.start()
        for label in Self.labels { try await attach(label) }
    }

    private func attach(_ label: String) async throws {
        incarnations += 1
        sessions[label] = try await RehearsedSession.open(home, label: label, number: incarnations, record: record)
    }

    /// The platform has messages up to this number.
    func post(through number: Int64) {
        guard number > posted else { return }
        posted = number
        let line = Array("\(number)\n".utf8)
        _ = pwrite(postedFile, line, line.count, 0)
    }

    // MARK: Killing

    func kill(_ victim: Victim, _ random: inout some RandomNumberGenerator) async throws {
        switch victim {
        case .adapter: adapter.kill()
        case .router: router.kill()
        case .endpoint: try await replace(Self.labels.randomElement(using: &random) ?? "left")
        case .supervisor: try await killSupervisor(&random)
        case .everything:
            router.kill()
            adapter.kill()
            for label in Self.labels { try await replace(label) }
        }
    }

    private func replace(_ label: String) async throws {
        try await sessions[label]?.kill()
        try await attach(label)
    }

    /// Gives router and adapter to a supervisor, kills it at some moment, and takes them back when they have ended.
    private func killSupervisor(_ random: inout some RandomNumberGenerator) async throws {
        await adapter.stop(SIGKILL)
        await router.stop(SIGKILL)
        let supervisor = try home.start(try Self.logged(home.command("switchboard", ["up"]), "up", home))
        if Bool.random(using: &random) {
            try await progress(Int.random(in: 1...40, using: &random))
        } else {
            try await Self.moment(milliseconds: 400, &random)
        }
        supervisor.signal(SIGKILL)
        _ = await supervisor.exit()
        guard try FileLock.waitUntilFree(home.places.routerLock, seconds: 20) else {
            throw SwitchboardHomeFixture.Failure(description: "a router outlived its supervisor")
        }
        router.start()
        // The supervisor's adapter may still be ending: until it has, this one is refused and comes again.
        adapter.start()
    }

    // MARK: Time

    /// Returns when so much more was written or answered, and keeps messages coming meanwhile.
    func progress(_ count: Int) async throws {
        let goal = record.state.value.progress + count
        while record.state.value.progress < goal {
            let now = record.state.value
            post(through: Int64(now.seen.count) + 32)
            _ = try await record.state.wait(for: "anything to go on (\(now.progress))", within: .seconds(40)) {
                $0.progress > now.progress
            }
        }
    }

    /// Not a wait for anything: what comes next is to happen at no particular moment.
    static func moment(milliseconds: Int64, _ random: inout some RandomNumberGenerator) async throws {
        try await Task.sleep(for: .microseconds(Int64.random(in: 0...milliseconds * 1_000, using: &random)))
    }

    /// Returns when everything posted was written, every reply answered and every part of the outbox settled.
    func settle() async throws {
        let posted = posted
        _ = try await record.state.wait(for: "message \(posted) and all before it", within: .seconds(60)) {
            Int64($0.seen.count) >= posted
        }
        _ = try await record.state.wait(for: "an answer to every reply", within: .seconds(60)) {
            $0.owed.values.allSatisfy { $0 == 0 }
        }
        let limit = ContinuousClock.now + .seconds(30)
        while try await home.json("status")["store"]?["outbox"]?.integerValue != 0 {
            guard ContinuousClock.now < limit else {
                throw SwitchboardHomeFixture.Failure(description: "the outbox does not get empty")
            }
        }
    }

    /// How things stand, for the report of a failure.
    func standing() async -> String {
        do {
            let state = record.state.value
            let logs = sessions.values.map(\.log).joined(separator: "\n")
            return "seen \(state.seen.count), owed \(state.owed), open \(state.open), "
                + "\(try await home.json("status").text)\n\(logs)"
        } catch {
            return "\(error)"
        }
    }

    /// Ends everything after a failure.
    func abandon() async {
        await adapter.stop(SIGKILL)
        await router.stop(SIGKILL)
    }

    /// Ends everything in order.
    func end() async throws {
        for session in sessions.values { try await session.close() }
        await adapter.stop(SIGTERM)
        await router.stop(SIGTERM)
    }
}
