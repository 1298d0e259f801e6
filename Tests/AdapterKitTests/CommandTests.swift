import MessageBus
import SwitchboardTesting
import Synchronization
import Testing

@testable import AdapterKit

@Suite struct CommandLanesTests {
    private func command(_ key: String, chat: String = "c", verb: String = "send") -> PlatformCommand {
        PlatformCommand(key: key, verb: verb, chat: chat, arguments: [:])
    }

    private func lanes(_ limits: CommandLanes.Limits = .init(), idempotent: Bool = false) -> CommandLanes {
        CommandLanes(abilities: Abilities(verbs: ["send"], features: idempotent ? ["idempotent"] : []), limits: limits)
    }

    @Test func oneChatIsInOrderAndOthersDoNotWait() {
        var lanes = lanes()
        #expect(lanes.arrive(command("1")) == [.start(command("1"))])
        #expect(lanes.arrive(command("2")) == [])
        #expect(lanes.arrive(command("3", chat: "d")) == [.start(command("3", chat: "d"))])
        #expect(lanes.finish("1", .sent(ids: [])) == [.answer(key: "1", .sent(ids: [])), .start(command("2"))])
    }

    @Test func noMoreLanesRunThanTheAdapterWants() {
        var limits = CommandLanes.Limits()
        limits.lanes = 2
        var lanes = lanes(limits)
        for number in 0..<5 { _ = lanes.arrive(command("\(number)", chat: "\(number)")) }
        #expect(lanes.underWayCount == 2)
        #expect(lanes.finish("1", .sent(ids: [])).last == .start(command("2", chat: "2")))
        #expect(lanes.underWayCount == 2)
    }

    @Test func aKeyIsCarriedOutOnce() {
        var lanes = lanes()
        _ = lanes.arrive(command("1"))
        #expect(lanes.arrive(command("1")) == [])
        _ = lanes.finish("1", .sent(ids: ["m"]))
        #expect(lanes.arrive(command("1")) == [.answer(key: "1", .sent(ids: ["m"]))])
        #expect(lanes.finish("1", .rejected(reason: "late")) == [])
        #expect(lanes.arrive(command("1")) == [.answer(key: "1", .sent(ids: ["m"]))])
    }

    @Test func retryAloneStartsAnew() {
        var lanes = lanes()
        _ = lanes.arrive(command("1"))
        _ = lanes.finish("1", .retry(after: 1, reason: ""))
        #expect(lanes.arrive(command("1")) == [.start(command("1"))])
        _ = lanes.finish("1", .unknown(reason: "?"))
        #expect(lanes.arrive(command("1")) == [.answer(key: "1", .unknown(reason: "?"))])
    }

    /// A restarted router asks while the `retry` is on its way to it: started now, the command could be given to another
    /// process as well.
    @Test func askedWhatBecameOfAnAttemptRetryIsSaidAndNotStarted() {
        var lanes = lanes()
        var command = command("1")
        _ = lanes.arrive(command)
        _ = lanes.finish("1", .retry(after: 1, reason: ""))
        command.again = true
        #expect(lanes.arrive(command) == [.answer(key: "1", .retry(after: 1, reason: ""))])
        #expect(lanes.attempt(of: "1") == 1)
        command.attempt = 2
        #expect(lanes.arrive(command) == [.start(command)], "the second attempt never came here")
        #expect(lanes.attempt(of: "1") == 2)
    }

    @Test func doubtIsTriedAgainWhereItDoesNoHarm() {
        var lanes = lanes(idempotent: true)
        _ = lanes.arrive(command("1"))
        _ = lanes.finish("1", .unknown(reason: "?"))
        #expect(lanes.arrive(command("1")) == [.start(command("1"))])
    }

    @Test func aVerbThatIsNoAbilityIsRejected() {
        var lanes = lanes()
        guard case .answer("1", .rejected) = lanes.arrive(command("1", verb: "react")).first else {
            Issue.record("it was not rejected")
            return
        }
    }

    @Test func pastItsLimitTheRouterKeepsTheCommand() {
        var limits = CommandLanes.Limits()
        limits.waiting = 1
        var lanes = lanes(limits)
        _ = lanes.arrive(command("1"))
        _ = lanes.arrive(command("2"))
        guard case .answer("3", .retry) = lanes.arrive(command("3")).first else {
            Issue.record("it was not handed back")
            return
        }
    }

    @Test func theOldestKeysAreForgottenFirst() {
        var limits = CommandLanes.Limits()
        limits.remembered = 4
        var lanes = lanes(limits)
        for number in 0..<20 {
            _ = lanes.arrive(command("\(number)"))
            _ = lanes.finish("\(number)", .sent(ids: []))
        }
        for number in 16..<20 {
            #expect(lanes.arrive(command("\(number)")) == [.answer(key: "\(number)", .sent(ids: []))])
        }
        #expect(lanes.arrive(command("15")) == [.start(command("15"))])
    }
}

@Suite(.timeLimit(.minutes(1))) struct CommandRunnerTests {
    @Test func resultsWaitForRoomOnTheBus() async {
        let bus = ScriptedBus()
        bus.change { $0.failure = .queueFull }
        let runner = CommandRunner(
            port: bus, abilities: Abilities(verbs: ["send"]), lanes: 4, log: Logger(label: "test"))
        runner.begin { .sent(ids: [$0.key]) }
        for key in ["1", "2"] { runner.commanded(PlatformCommand(key: key, verb: "send", chat: "c", arguments: [:])) }
        await runner.idle()
        #expect(bus.results.isEmpty)
        bus.change { $0.failure = nil }
        runner.acknowledged()
        #expect(bus.results.map(\.key) == ["1", "2"])
        #expect(bus.results.map(\.outcome) == [.sent(ids: ["1"]), .sent(ids: ["2"])])
    }

    @Test func withoutAnAdapterTheRouterKeepsTheCommand() async throws {
        let bus = ScriptedBus()
        let runner = CommandRunner(
            port: bus, abilities: Abilities(verbs: ["send"]), lanes: 4, log: Logger(label: "test"))
        runner.end(because: "the token was revoked")
        runner.commanded(PlatformCommand(key: "1", verb: "send", chat: "c", arguments: [:]))
        await runner.idle()
        #expect(bus.results.map(\.outcome) == [.retry(after: 5_000, reason: "the token was revoked")])
    }
}
