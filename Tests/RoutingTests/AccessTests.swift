import AccessControl
import BusProtocol
import ChannelEvents
import JSON
import MessageBus
import MessageStore
import Testing

@testable import Routing

/// Pairing, groups, changes and the audit, on the real core and the real store.
struct AccessTests {
    private static let chat = RouterFixture.link("chat")

    private func stranger(_ router: RouterFixture, _ id: String, sender: String = "42", text: String? = nil)
        -> (LinkID, PeerMessage)
    {
        router.publish([id], chat: "d\(sender)", sender: sender, authentication: .platform, text: text, flags: .direct)
    }

    private func words(_ commands: [PlatformCommand]) -> [String] {
        commands.compactMap { $0.arguments["text"]?.stringValue }
    }

    private func code(in text: String) throws -> String {
        try #require(
            text.split(separator: " ").map(String.init).compactMap { PairingCode.normalized($0.filter { $0 != "." }) }
                .first)
    }

    private func success(_ outcome: Answer.Outcome) throws -> JSONValue {
        guard case .success(let value) = outcome else {
            Issue.record("\(outcome)")
            return [:]
        }
        return value
    }

    private func failure(_ outcome: Answer.Outcome) -> String {
        if case .failure(let code, _) = outcome { return code }
        return ""
    }

    @Test func aStrangerIsPairedAndHeardFromThenOn() throws {
        let router = try RouterFixture()
        try router.attachAdapter()
        let first = try router.turn(stranger(router, "1", text: "/start")).to(Self.chat)
        let told = try #require(words(first.commands).first)
        #expect(first.commands.first?.chat == "d42")
        let code = try code(in: told)
        #expect(try router.history().first?.body == nil)

        let paired = try success(try router.ask("access.pair", ["code": .string(code.uppercased())]))
        #expect(paired["address"] == "chat:42")
        #expect(paired["approver"] == false)
        #expect(paired["approvers"] == 0)
        // The code is worth nothing any more.
        #expect(failure(try router.ask("access.pair", ["code": .string(code)])) == "not-found")
        try router.turn(stranger(router, "2"))
        #expect(try router.history().first?.rule == "listed")
        // It outlives the router.
        try router.restart()
        try router.attachAdapter(next: 3)
        try router.turn(stranger(router, "3"))
        #expect(try router.history().first?.rule == "listed")
    }

    @Test func aStrangerIsToldTwiceAndNoMore() throws {
        let router = try RouterFixture()
        try router.attachAdapter()
        var told: [String] = []
        for id in 1...5 {
            let sent = try router.turn(stranger(router, "\(id)")).to(Self.chat)
            for command in sent.commands {
                told += words([command])
                told += words(
                    try router.turn(router.result(command.key, .sent(ids: ["s\(id)"]))).to(Self.chat).commands)
            }
        }
        #expect(told.count == 2)
        #expect(Set(try told.map(code)).count == 1)
    }

    @Test func threeStrangersWaitAtMostAndTheirCodesEnd() throws {
        let router = try RouterFixture()
        try router.attachAdapter()
        for sender in 1...5 { try router.turn(stranger(router, "m\(sender)", sender: "\(sender)")) }
        #expect(try success(try router.ask("access.list"))["pairings"]?.arrayValue?.count == 3)
        router.pass(3_600_000)
        #expect(try success(try router.ask("access.list"))["pairings"]?.arrayValue?.isEmpty == true)
        try router.attachAdapter(next: 6)
        try router.turn(stranger(router, "late", sender: "9"))
        #expect(try success(try router.ask("access.list"))["pairings"]?.arrayValue?.count == 1)
    }

    @Test func codesAreNotGuessed() throws {
        let router = try RouterFixture()
        try router.attachAdapter()
        let sent = try router.turn(stranger(router, "1")).to(Self.chat)
        let code = try code(in: try #require(words(sent.commands).first))
        let wrong = code == "aaaaaa" ? "cccccc" : "aaaaaa"
        for _ in 0..<5 { #expect(failure(try router.ask("access.pair", ["code": .string(wrong)])) == "not-found") }
        #expect(failure(try router.ask("access.pair", ["code": .string(code)])) == "flood")
        router.pass(60_001)
        #expect(try success(try router.ask("access.pair", ["code": .string(code)]))["address"] == "chat:42")
    }

    @Test func aCodeInAChatLetsNobodyIn() throws {
        let router = try RouterFixture()
        try router.attachAdapter()
        let sent = try router.turn(stranger(router, "1")).to(Self.chat)
        let code = try code(in: try #require(words(sent.commands).first))
        try router.turn(stranger(router, "2", text: "switchboard access pair \(code) --approver"))
        #expect(try router.history().allSatisfy { $0.rule == "unpaired" && $0.body == nil })
    }

    @Test func anAccountOfSomebodysOwnOffersNoCodes() throws {
        let router = try RouterFixture()
        try router.attachAdapter(features: ["personal"])
        let sent = try router.turn(stranger(router, "1")).to(Self.chat)
        #expect(sent.commands.isEmpty)
        #expect(try router.history().first?.rule == "not-listed")
    }

    @Test func aGroupIsOffUntilItIsAddedAndAThreadIsAddressedOnce() throws {
        let router = try RouterFixture()
        try router.attachAdapter()
        func said(_ id: String, _ flags: EventFlags, thread: String? = nil) throws -> String? {
            try router.turn(
                router.publish(
                    [id], chat: "g", sender: "42", authentication: .platform, thread: thread, flags: flags))
            return try router.history().first?.rule
        }
        #expect(try said("1", .mention) == "group-off")
        _ = try success(try router.ask("access.allow", ["source": "chat", "id": "42"]))
        _ = try success(try router.ask("access.group", ["conversation": "chat:g"]))
        #expect(try said("2", .mention) == "listed")
        #expect(try said("3", []) == "not-mentioned")
        #expect(try said("4", [], thread: "t") == "not-mentioned")
        #expect(try said("5", .mention, thread: "t") == "listed")
        #expect(try said("6", [], thread: "t") == "listed")
        _ = try success(try router.ask("access.group", ["conversation": "chat:g", "off": true]))
        #expect(try said("7", .mention, thread: "t") == "group-off")
    }

    /// What one event of a batch changes counts for the next one of it.
    @Test func aThreadIsAddressedWithinOneBatch() throws {
        let source = try #require(SourceName("chat"))
        let policy = SourcePolicy(allow: ["42"], groups: ["g": GroupPolicy()])
        let router = try RouterFixture(settings: RouterSettings(access: AccessPolicy(sources: [source: policy])))
        try router.attachAdapter()
        let flags: [(String, EventFlags)] = [("1", []), ("2", .mention), ("3", [])]
        let events = flags.map { id, flags in
            PublishedEvent(
                head: EventHead(id: id, chat: "g", thread: "t", sender: "42", flags: flags, time: router.now.wall),
                body: EventBody(text: "x").json)
        }
        try router.turn((Self.chat, .numbered(router.position(Self.chat), .publish(Publish(events: events)))))
        #expect(try router.history().reversed().map(\.rule) == ["not-mentioned", "listed", "listed"])
    }

    /// What belongs to a message addresses nobody, and what a thread was is known after a restart.
    @Test func aThreadIsAddressedByWordsAndStaysSo() throws {
        let source = try #require(SourceName("chat"))
        let policy = SourcePolicy(allow: ["42"], groups: ["g": GroupPolicy()])
        let router = try RouterFixture(settings: RouterSettings(access: AccessPolicy(sources: [source: policy])))
        try router.attachAdapter()
        try router.attachReadyEndpoint()
        func said(_ id: String, _ kind: EventKind, _ flags: EventFlags, thread: String) throws -> String? {
            let head = EventHead(
                id: id, chat: "g", thread: thread, sender: "42", kind: kind, flags: flags, time: router.now.wall)
            let publish = Publish(events: [PublishedEvent(head: head, body: EventBody(text: "x").json)])
            try router.turn((Self.chat, .numbered(router.position(Self.chat), .publish(publish))))
            return try router.history().first?.rule
        }
        #expect(try said("1", .reaction, [], thread: "t") == "listed")
        #expect(try said("2", .message, [], thread: "t") == "not-mentioned")
        #expect(try said("3", .message, .mention, thread: "u") == "listed")
        try router.restart()
        try router.attachAdapter(next: 4)
        #expect(try said("4", .message, [], thread: "t") == "not-mentioned")
        #expect(try said("5", .message, [], thread: "u") == "listed")
    }

    /// Let in or refused: what was decided comes under a seal, each event once.
    @Test func decisionsAreSealed() throws {
        let router = try RouterFixture()
        try router.attachAdapter()
        try router.turn(router.publish(["1", "2"]), stranger(router, "3"))
        let reader = ReaderThread(
            store: router.store, retention: RetentionPeriods(), clock: { [now = router.now] in now }, finish: { _ in })
        #expect(!reader.sealDecisions(router.now))
        #expect(!reader.sealDecisions(router.now))
        try router.turn(router.publish(["4"]))
        #expect(!reader.sealDecisions(router.now))
        func verified() throws -> JSONValue { try success(reader.answer(.auditVerification)) }
        let whole = try verified()
        #expect(whole["whole"] == true && whole["decisions"] == 4 && whole["decisions_unsealed"] == 0, "\(whole.text)")
    }

    /// The budget holds inside of one batch, too.
    @Test func twoProgramsStopAnsweringEachOther() throws {
        let source = try #require(SourceName("chat"))
        let policy = SourcePolicy(allow: ["bot"], groups: ["g": GroupPolicy()], botBudget: 3)
        let router = try RouterFixture(settings: RouterSettings(access: AccessPolicy(sources: [source: policy])))
        try router.attachAdapter()
        func burst(_ ids: [String]) throws {
            try router.turn(
                router.publish(ids, chat: "g", sender: "bot", authentication: .platform, flags: [.bot, .mention]))
        }
        try burst(["1", "2", "3", "4", "5"])
        #expect(
            try router.history().reversed().map(\.rule) == ["listed", "listed", "listed", "bot-budget", "bot-budget"])
        router.pass(60_001)
        try router.attachAdapter(next: 2)
        try burst(["6"])
        #expect(try router.history().first?.rule == "listed")
    }

    @Test func aSessionAnswersOnlyWhereTheGateIsOpen() throws {
        let source = try #require(SourceName("chat"))
        let router = try RouterFixture(
            settings: RouterSettings(access: AccessPolicy(sources: [source: SourcePolicy(allow: ["42"])])))
        try router.attachAdapter()
        try router.attachReadyEndpoint()
        let api = RouterFixture.link("api")
        try router.turn(stranger(router, "1"))
        let sent = try router.turn(
            (api, router.call("reply", ["chat_id": "chat:d42", "text": "a"], id: "r1", from: api)))
        #expect(sent.to(Self.chat).commands.count == 1)
        _ = try success(try router.ask("access.remove", ["source": "chat", "id": "42"]))
        let refused = try router.turn(
            (api, router.call("reply", ["chat_id": "chat:d42", "text": "b"], id: "r2", from: api)))
        #expect(failure(try #require(refused.to(api).answers.first?.outcome)) == "not-allowed")
        #expect(refused.to(Self.chat).commands.isEmpty)
    }

    @Test func aPersonIsFoundAgainWhereHeWasMet() throws {
        let router = try RouterFixture()
        try router.attachAdapter()
        let address = Address(source: try #require(SourceName("chat")), id: "42")
        #expect(router.core.directPlace(of: address) == nil)
        _ = try success(try router.ask("access.allow", ["source": "chat", "id": "42"]))
        try router.turn(stranger(router, "1"))
        // What else comes from that chat does not hide him.
        try router.turn(router.publish(["2"], chat: "d42"))
        try router.restart()
        let place = try #require(router.core.directPlace(of: address))
        #expect(place.chat == "d42")
        #expect(router.core.mayReach(place))
    }

    @Test func whoIsKnownByIdCanBeWrittenToFirst() throws {
        let router = try RouterFixture()
        try router.attachAdapter(features: ["direct-by-id"])
        let source = try #require(SourceName("chat"))
        let place = try #require(router.core.directPlace(of: Address(source: source, id: "42")))
        #expect(!router.core.mayReach(place))
        _ = try success(try router.ask("access.approver", ["source": "chat", "id": "42", "listed": true]))
        #expect(router.core.mayReach(place))
    }

    @Test func aFloodOfRefusalsIsAuditedOnceAMinute() throws {
        let router = try RouterFixture()
        try router.attachAdapter(features: ["personal"])
        for id in 1...20 { try router.turn(stranger(router, "\(id)")) }
        #expect(try router.store.read { try $0.verifyAudit() }.count == 1)
        router.pass(60_000)
        try router.attachAdapter(next: 21, features: ["personal"])
        try router.turn(stranger(router, "late"))
        #expect(try router.store.read { try $0.verifyAudit() }.count == 2)
    }

    @Test func namesAreRefusedWithTheReason() throws {
        let router = try RouterFixture()
        try router.attachAdapter()
        guard case .failure(_, let message) = try router.ask("access.allow", ["source": "chat", "id": "@ann"]) else {
            Issue.record("a name was let in")
            return
        }
        #expect(message.contains("permanent id"))
        #expect(failure(try router.ask("access.allow", ["source": "nowhere", "id": "1"])) == "not-found")
    }

    @Test func staticAccessIsOnlyShown() throws {
        let router = try RouterFixture(settings: RouterSettings(isAccessStatic: true))
        try router.attachAdapter()
        for name in ["access.pair", "access.allow", "access.group", "access.policy", "access.approver"] {
            #expect(failure(try router.ask(name, ["source": "chat", "id": "1"])) == "not-allowed")
        }
        #expect(try success(try router.ask("access.list"))["static"] == true)
    }

    @Test func explainSaysWhatWouldHappen() throws {
        let router = try RouterFixture()
        try router.attachAdapter()
        func rule(_ arguments: JSONValue) throws -> JSONValue? {
            try success(try router.ask("explain", arguments))["rule"]
        }
        #expect(try rule(["source": "chat", "sender": "42"]) == "unpaired")
        _ = try success(try router.ask("access.approver", ["source": "chat", "id": "42", "listed": true]))
        #expect(try rule(["source": "chat", "sender": "42"]) == "listed")
        #expect(try rule(["source": "chat", "sender": "42", "conversation": "chat:g"]) == "group-off")
        _ = try success(
            try router.ask("access.group", ["conversation": "chat:g", "mention_patterns": ["hey claude"]]))
        let text: JSONValue = ["source": "chat", "sender": "42", "conversation": "chat:g", "text": "hey Claude"]
        #expect(try rule(text) == "listed")
        // To ask is not to write: nothing is remembered of it.
        #expect(try rule(["source": "chat", "sender": "42", "conversation": "chat:g/t"]) == "not-mentioned")
    }

    @Test func explainSaysWhatDidHappenAndWhatWouldBecomeOfIt() throws {
        let router = try RouterFixture()
        try router.attachAdapter()
        try router.attachReadyEndpoint()
        _ = try success(try router.ask("access.allow", ["source": "chat", "id": "42"]))
        try router.turn(stranger(router, "a"), stranger(router, "b", sender: "7", text: "my secret"))
        let reader = ReaderThread(
            store: router.store, retention: RetentionPeriods(), clock: { [now = router.now] in now }, finish: { _ in })
        func explained(_ id: String) throws -> JSONValue {
            try success(reader.answer(.explanation(EventKey(source: try #require(SourceName("chat")), id: id))))
        }
        let taken = try explained("a")
        #expect(taken["rule"] == "listed" && taken["allowed"] == true)
        #expect(taken["text"]?.stringValue?.contains("api") == true)
        let refused = try explained("b")
        #expect(refused["rule"] == "unpaired" && refused["allowed"] == false)
        #expect(refused["audit"]?.arrayValue?.first?["kind"] == "refused")
        #expect(!refused.text.contains("my secret"))
        let would = try success(try router.ask("explain", ["source": "chat", "sender": "42"]))
        #expect(would["choice"] == "session" && would["session"] == "api")
        try router.attachReadyEndpoint("web")
        _ = try success(try router.ask("access.allow", ["source": "chat", "id": "43"]))
        #expect(try success(try router.ask("explain", ["source": "chat", "sender": "43"]))["choice"] == "ask")
        #expect(try success(try router.ask("explain", ["source": "chat", "sender": "42"]))["session"] == "api")
        // To ask is not to write.
        #expect(try router.history().count == 2 && router.core.routes.asked.isEmpty)
        #expect(failure(try router.ask("explain", ["event": "nonsense"])) == "not-found")
        #expect(
            failure(reader.answer(.explanation(EventKey(source: try #require(SourceName("chat")), id: "x"))))
                == "not-found")
    }

    @Test func everyDecisionIsShownLetInOrNot() throws {
        let router = try RouterFixture()
        try router.attachAdapter()
        try router.turn(router.publish(["1"]), stranger(router, "2"))
        let reader = ReaderThread(
            store: router.store, retention: RetentionPeriods(), clock: { [now = router.now] in now }, finish: { _ in })
        let decisions = try success(reader.answer(.decisions(limit: 10)))["decisions"]?.arrayValue ?? []
        #expect(decisions.map { $0["rule"] } == ["loopback", "unpaired"])
    }

    @Test func whoWasRefusedIsKnownAfterARestart() throws {
        let router = try RouterFixture()
        try router.attachAdapter(features: ["personal"])
        try router.turn(stranger(router, "1", text: "hello"))
        try router.restart()
        let refused = try success(try router.ask("access.list"))["refused"]?.arrayValue ?? []
        #expect(refused.map { $0["mend"] } == ["switchboard access allow chat 42"])
    }

    /// The line that lets one in shuts nobody out.
    @Test func theMendKeepsThoseWhoAreInTheList() throws {
        let router = try RouterFixture()
        try router.attachAdapter()
        for (group, allow) in [("g", JSONValue.array(["7"])), ("h", nil)] as [(String, JSONValue?)] {
            var arguments: JSONObject = ["conversation": .string("chat:\(group)"), "require_mention": false]
            arguments["allow"] = allow
            _ = try success(try router.ask("access.group", .object(arguments)))
            try router.turn(router.publish([group], chat: group, sender: "42", authentication: .platform))
        }
        let mends = try success(try router.ask("access.list"))["refused"]?.arrayValue?.map { $0["mend"] }
        #expect(
            mends == [
                "switchboard access allow chat 42", "switchboard access group set chat:g --allow 7 --allow 42",
            ])
    }

    @Test func aSenderIsRemovedFromGroupsToo() throws {
        let router = try RouterFixture()
        try router.attachAdapter()
        for group in ["g", "h"] {
            let allow: JSONValue = group == "g" ? ["42", "7"] : ["anyone"]
            _ = try success(
                try router.ask(
                    "access.group",
                    ["conversation": .string("chat:\(group)"), "allow": allow, "require_mention": false]))
        }
        let answer = try success(try router.ask("access.remove", ["source": "chat", "id": "42"]))
        #expect(answer["open_groups"] == ["chat:h"])
        try router.turn(
            router.publish(["1"], chat: "g", sender: "42", authentication: .platform),
            router.publish(["2"], chat: "g", sender: "7", authentication: .platform))
        #expect(try router.history().reversed().map(\.rule) == ["not-listed", "listed"])
        for entry in ["role:", "role:@admins", "@ann", "ann#1234"] {
            let asked = try router.ask("access.group", ["conversation": "chat:g", "allow": [.string(entry)]])
            #expect(failure(asked) == "not-allowed", "\(entry)")
        }
    }

    @Test func anOperatorSendsOnlyWhereTheGateIsOpen() throws {
        let router = try RouterFixture()
        try router.attachAdapter()
        try router.turn(stranger(router, "1"))
        #expect(failure(try router.ask("send", ["conversation": "chat:d42", "text": "a"])) == "not-allowed")
        _ = try success(try router.ask("access.allow", ["source": "chat", "id": "42"]))
        try router.turn(stranger(router, "2"))
        let link = RouterFixture.link("operator")
        let sent = try router.turn(
            (
                link,
                .query(
                    epoch: router.epoch(link),
                    Call(id: "s", name: "send", arguments: ["conversation": "chat:d42", "text": "hello"]))
            ))
        #expect(!sent.to(link).answers.contains { failure($0.outcome) == "not-allowed" })
    }

    /// A line injected in one chat cannot read another.
    @Test func aSessionReadsOnlyWhatWasDeliveredToIt() throws {
        let router = try RouterFixture()
        try router.attachAdapter()
        try router.attachReadyEndpoint("api")
        try router.attachReadyEndpoint("web")
        try router.turn(router.publish(["1"], chat: "ann", text: "/use api"))
        try router.turn(router.publish(["2"], chat: "bob", text: "/use web"))
        try router.turn(router.publish(["3"], chat: "ann", text: "for api"))
        try router.turn(router.publish(["4"], chat: "bob", text: "for web"))
        let reader = ReaderThread(
            store: router.store, retention: RetentionPeriods(), clock: { [now = router.now] in now }, finish: { _ in })
        let api = try #require(router.core.labels["api"])
        func texts(_ chat: String) throws -> [String] {
            let source = try #require(SourceName("chat"))
            let place = try #require(router.core.place(of: Conversation(source: source, chat: chat)))
            let answer = try success(reader.answer(.messages(api, place, before: nil, limit: 10)))
            return (answer["messages"]?.arrayValue ?? []).compactMap { $0["text"]?.stringValue }
        }
        #expect(try texts("ann") == ["for api"])
        #expect(try texts("bob").isEmpty)
        let known = try success(reader.answer(.conversations(api, limit: 10)))
        #expect(known["conversations"] == [["chat_id": "chat:ann"]])
    }

    @Test func everyRefusalAndChangeIsAuditedWithoutText() throws {
        let router = try RouterFixture()
        try router.attachAdapter()
        for id in 1...4 { try router.turn(stranger(router, "\(id)", text: "my secret \(id)")) }
        _ = try success(try router.ask("access.allow", ["source": "chat", "id": "42"]))
        let whole = try router.store.read { try $0.verifyAudit() }
        #expect(whole.firstBroken == nil)
        let lines = try router.store.read { try $0.audit(before: nil, limit: 100) }
        #expect(Int64(lines.count) == whole.count)
        #expect(lines.first?.entry.kind == "allowed")
        #expect(lines.contains { $0.entry.kind == "refused" && $0.entry.rule == "unpaired" })
        #expect(!lines.contains { "\($0.entry)".contains("my secret") })
    }
}
