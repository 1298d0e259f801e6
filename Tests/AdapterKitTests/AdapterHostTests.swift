import MessageBus
import SwitchboardTesting
import Synchronization
import Testing

@testable import AdapterKit

/// What the test's adapters do is said by their settings.
private struct Puppet: Adapter {
    static let description = AdapterDescription(
        kind: "puppet", summary: "does as its settings say", version: "1", abilities: Abilities(verbs: ["send"]),
        settings: [Setting("mode", .text, "what to do", isRequired: true)])
    /// The modes of all that ran, in order.
    static let runs = Watched<[String]>([])

    let connection: AdapterConnection
    var mode: String { connection.settings["mode"]?.stringValue ?? "" }

    init(_ connection: AdapterConnection) throws { self.connection = connection }

    func run() async throws {
        Self.runs.change { $0.append(mode) }
        switch mode {
        case "fail": throw AdapterFailure(AdapterProblem(path: "mode", code: "x", message: "broken", mend: "mend it"))
        case "crash": throw Crash()
        default:
            connection.report(.up)
            while !Task.isCancelled { try await Task.sleep(for: .seconds(3600)) }
        }
    }

    func execute(_ command: PlatformCommand) async -> SendOutcome { .sent(ids: [mode]) }

    struct Crash: Error {}
}

@Suite(.serialized, .timeLimit(.minutes(1))) struct AdapterHostTests {
    private let bus = ScriptedBus()
    private let host: AdapterHost<Puppet>

    init() throws {
        let places = Places(home: "/nonexistent")
        host = AdapterHost(
            source: try #require(SourceName("puppet")), places: places, secrets: SecretResolver(places: places),
            log: Logger(label: "test"), port: bus)
        Puppet.runs.change { $0 = [] }
    }

    private func welcome(_ settings: JSONValue) {
        host.handle(
            .welcomed(
                Welcome(epoch: 1, name: "puppet", credit: Credit(events: 1, bytes: 1), settings: settings, router: "t"))
        )
    }

    @Test func runsOnlyOnceWelcomedAndEndsWithSuccess() async throws {
        let running = Task { await host.run() }
        #expect(Puppet.runs.value.isEmpty)
        welcome(["mode": "a"])
        _ = try await Puppet.runs.wait(for: "the run") { $0 == ["a"] }
        host.stop(because: "SIGTERM")
        #expect(await running.value.status == 0)
    }

    @Test func aRestartedRouterIsNotNoticedButNewSettingsAre() async throws {
        let running = Task { await host.run() }
        welcome(["mode": "a"])
        _ = try await Puppet.runs.wait(for: "the run") { $0 == ["a"] }
        host.handle(.lost(code: "silence"))
        welcome(["mode": "a"])
        welcome(["mode": "b"])
        _ = try await Puppet.runs.wait(for: "the second run") { $0 == ["a", "b"] }
        host.stop(because: "SIGTERM")
        #expect(await running.value.status == 0)
        #expect(Puppet.runs.value == ["a", "b"])
    }

    @Test func aFailureIsShownAndMended() async throws {
        let running = Task { await host.run() }
        welcome(["mode": "fail"])
        _ = try await Puppet.runs.wait(for: "the run") { $0 == ["fail"] }
        while bus.health.isEmpty { await Task.yield() }
        #expect(bus.health.first?.state == .failed)
        #expect(bus.health.first?.reason == "mode: broken; mend it")
        welcome(["mode": "good"])
        _ = try await Puppet.runs.wait(for: "the mended run") { $0 == ["fail", "good"] }
        host.stop(because: "SIGTERM")
        _ = await running.value
        #expect(bus.health.last?.state == .up)
    }

    @Test func settingsThatDoNotFitAreAFailureBeforeTheAdapterSeesThem() async throws {
        let running = Task { await host.run() }
        welcome(["mood": "a"])
        while bus.health.isEmpty { await Task.yield() }
        #expect(bus.health.first?.reason?.contains("did you mean mode?") == true)
        host.stop(because: "SIGTERM")
        _ = await running.value
        #expect(Puppet.runs.value.isEmpty)
    }

    @Test func acrashEndsTheProcessForItsSupervisor() async {
        welcome(["mode": "crash"])
        #expect(await host.run().status == AdapterExit.Code.software)
    }

    @Test(arguments: [
        ("source-taken", AdapterExit.Code.temporary), ("fenced", AdapterExit.Code.temporary),
        ("source-key", AdapterExit.Code.refused),
    ])
    func aRefusalEndsItAndSaysWhy(_ code: String, _ status: Int32) async throws {
        let running = Task { await host.run() }
        welcome(["mode": "a"])
        host.handle(.refused(Bye(code: code, message: "puppet is held by pid 7")))
        let exit = await running.value
        #expect(exit.status == status)
        #expect(exit.line?.contains("held by pid 7") == true)
    }

    @Test func commandsReachTheAdapterThatRuns() async throws {
        let running = Task { await host.run() }
        welcome(["mode": "a"])
        _ = try await Puppet.runs.wait(for: "the run") { $0 == ["a"] }
        host.handle(.commanded(PlatformCommand(key: "1", verb: "send", chat: "c", arguments: [:])))
        host.stop(because: "SIGTERM")
        _ = await running.value
        #expect(bus.results == [CommandResult(key: "1", attempt: 1, outcome: .sent(ids: ["a"]))])
    }
}
