import AdapterKit
import SwitchboardTesting
import Synchronization
import Testing

@testable import telegram_simulator

/// The real program with the simulated platform and a scripted router: what only shows over HTTP.
@Suite(.serialized) struct PlatformTests {
    private func with(
        _ body: (TelegramFixture, AdapterBench) async throws -> Void,
        prepare: (TelegramFixture) async throws -> Void = { _ in }
    ) async throws {
        let fixture = try await TelegramFixture()
        let bench = try AdapterBench(fixture)
        do {
            try await prepare(fixture)
            try await bench.start()
            try await body(fixture, bench)
        } catch {
            await bench.stop()
            await fixture.close()
            throw error
        }
        await bench.stop()
        await fixture.close()
    }

    @Test(.timeLimit(.minutes(2))) func theServerIsPreparedBeforeTheFirstPoll() async throws {
        try await with { fixture, _ in
            let state = fixture.platform.state.withLock {
                ($0.webhook, $0.commands.values.first, $0.calls.map(\.method))
            }
            #expect(state.0 == "")
            #expect(state.1?.arrayValue?.first?["command"] == "help")
            #expect(state.2.prefix(4) == ["getme", "getwebhookinfo", "deletewebhook", "setmycommands"])
        } prepare: { fixture in
            fixture.platform.change { state, _ in state.webhook = "https://old.example.org" }
        }
    }

    @Test(.timeLimit(.minutes(2))) func aTapIsAnsweredOnceWithOrWithoutWords() async throws {
        try await with { fixture, bench in
            let buttons: JSONValue = [[["label": "Allow", "action": "a"], ["label": "Deny", "action": "d"]]]
            bench.router.command(
                PlatformCommand(
                    key: "k1", verb: "send", chat: "42", arguments: ["text": "may I?", "buttons": buttons]))
            guard case .sent(let ids) = try await bench.router.result("k1") else {
                Issue.record("the card was not sent")
                return
            }
            #expect(ids == ["42/1"])
            let silent = try fixture.platform.press("Allow", on: 1, in: 42, from: 42)
            try await fixture.wait(for: "the tap to be answered") { $0.tapAnswer(silent) == "" }

            let spoken = try fixture.platform.press("Deny", on: 1, in: 42, from: 42)
            let event = try await bench.router.events(2)[1]
            let head = try #require(event.head)
            #expect(head.id == "callback/\(spoken)")
            #expect(head.action == "d")
            #expect(head.replyTo == "42/1")
            bench.router.command(
                PlatformCommand(
                    key: "k2", verb: "respond", chat: "42", arguments: ["id": .string(head.id), "text": "denied"]))
            #expect(try await bench.router.result("k2") == .sent(ids: []))
            #expect(fixture.platform.tapAnswer(spoken) == "denied")
        }
    }

    @Test(.timeLimit(.minutes(2))) func theSendingOfADeadConnectionIsUnknown() async throws {
        try await with { fixture, bench in
            fixture.platform.forecast(Forecast(.cutAfter, ["sendmessage"], times: 1))
            bench.router.command(PlatformCommand(key: "k1", verb: "send", chat: "42", arguments: ["text": "once"]))
            guard case .unknown = try await bench.router.result("k1") else {
                Issue.record("a send that was cut off is not unknown")
                return
            }
            #expect(fixture.platform.shown(in: 42).count == 1)
        }
    }

    @Test(.timeLimit(.minutes(2))) func redirectsAreNotFollowed() async throws {
        let elsewhere = try await TelegramFixture()
        try await with { fixture, bench in
            let address = elsewhere.settings["api_base"]?.stringValue ?? ""
            let target = "\(address)/bot\(TelegramFixture.token)/sendMessage"
            fixture.platform.forecast(Forecast(.redirect(target), ["sendmessage"]))
            bench.router.command(PlatformCommand(key: "k1", verb: "send", chat: "42", arguments: ["text": "hi"]))
            _ = try await bench.router.result("k1")
            #expect(elsewhere.platform.calls("sendmessage").isEmpty)
        }
        await elsewhere.close()
    }

    @Test(.timeLimit(.minutes(2))) func theTokenIsSaidNowhere() async throws {
        try await with { fixture, bench in
            fixture.platform.forecast(Forecast(.page, ["getupdates"], times: 2))
            fixture.platform.forecast(Forecast(.cut, ["getupdates"], times: 1))
            fixture.platform.say("hello", from: 42)
            _ = try await bench.router.events(1)
            let memory = bench.router.memory.value
            let said = memory.health.compactMap(\.reason).joined() + memory.hellos.map(\.program).joined()
            #expect(!said.contains(TelegramFixture.token))
            #expect(!said.contains("must-not-leak"))
        }
    }

    @Test(.timeLimit(.minutes(2))) func aProxyIsUsed() async throws {
        let fixture = try await TelegramFixture(isProxy: true)
        let bench = try AdapterBench(fixture)
        do {
            // The server's own name cannot be resolved: only the proxy can have answered.
            try await bench.start()
            #expect(try await fixture.show("through the proxy", identity: "p") == .acknowledged)
        } catch {
            await bench.stop()
            await fixture.close()
            throw error
        }
        await bench.stop()
        await fixture.close()
    }

    @Test(.timeLimit(.minutes(2))) func whatAGroupMovedToIsTheSameConversation() async throws {
        try await with { fixture, bench in
            fixture.platform.addGroup(-5, "Ops")
            fixture.platform.say("before", from: 42, in: -5)
            _ = try await bench.router.events(1)
            fixture.platform.migrate(-5, to: -1_001_234_567_890)
            fixture.platform.say("after", from: 42, in: -1_001_234_567_890)
            let events = try await bench.router.events(4)
            #expect(Set(events.compactMap { $0.head?.chat }) == ["-5"])
            #expect(Set(events.compactMap { $0.head?.id }).count == 4)
            // The move is remembered by the cursor, not by the process.
            try await bench.kill()
            try await bench.startAdapter()
            bench.router.command(PlatformCommand(key: "k1", verb: "send", chat: "-5", arguments: ["text": "there"]))
            #expect(try await bench.router.result("k1") == .sent(ids: ["-1001234567890/3"]))
        }
    }

    @Test(.timeLimit(.minutes(2))) func numbersThatBeginAnewAreFollowed() async throws {
        try await with { fixture, bench in
            #expect(try await fixture.show("one", identity: "1") == .acknowledged)
            fixture.platform.change { state, _ in state.queue.restart(at: 17) }
            fixture.platform.say("two", from: 42)
            try await bench.router.events(2)
            try await fixture.wait(for: "the offset to begin anew") { $0.commits.last?.offset == 18 }
        }
    }
}
