import BusProtocol
import ChannelEvents
import FormattedText
import JSON
import MessageStore
import Testing

@testable import Routing

/// One reply, several messages.
struct ReplyPartsTests {
    private let api = RouterFixture.link("api")
    private let chat = RouterFixture.link("chat")
    private let long = "one two three\n\nfour five six\n\nseven eight nine"

    private func readyRouter(features: Set<String> = [], textLimit: Int64? = 20) throws -> RouterFixture {
        let router = try RouterFixture()
        try router.attachAdapter(features: features, textLimit: textLimit)
        try router.attachReadyEndpoint()
        let deliveries = try router.turn(router.publish(["1"])).deliveries()
        try router.turn(router.written(deliveries.map(\.id)))
        return router
    }

    private func reply(
        _ router: RouterFixture, _ text: String, id: String = "toolu_1", replyTo: String? = nil
    ) throws -> [Effects.Outgoing] {
        var arguments: JSONObject = ["chat_id": "chat:ann", "text": .string(text)]
        if let replyTo { arguments["reply_to"] = .string(replyTo) }
        return try router.turn((api, router.call("reply", .object(arguments), id: id, from: api)))
    }

    private func value(_ answers: [Answer]) throws -> JSONValue {
        guard case .success(let value) = try #require(answers.first).outcome else {
            Issue.record("\(answers)")
            return [:]
        }
        return value
    }

    private func failure(_ answers: [Answer]) throws -> String {
        guard case .failure(_, let message) = try #require(answers.first).outcome else {
            Issue.record("\(answers)")
            return ""
        }
        return message
    }

    @Test func partsGoOutInOrderAndOnlyTheLastOneRings() throws {
        let router = try readyRouter()
        var sent = try reply(router, long, replyTo: "55")
        var commands: [PlatformCommand] = []
        var answers: [Answer] = []
        for number in 1...3 {
            let command = try #require(sent.to(chat).commands.first)
            #expect(sent.to(chat).commands.count == 1, "one after the other")
            #expect(sent.to(api).answers.isEmpty)
            commands.append(command)
            sent = try router.turn(router.result(command.key, .sent(ids: ["m\(number)"])))
            answers = sent.to(api).answers
        }
        #expect(commands.map(\.key) == ["toolu_1", "toolu_1/2", "toolu_1/3"])
        #expect(commands.compactMap { $0.arguments["text"]?.stringValue }.joined() == long)
        #expect(commands.map { $0.arguments["silent"]?.boolValue } == [true, true, nil])
        #expect(commands.map(\.replyTo) == ["55", nil, nil])
        let told = try value(answers)
        #expect(told["status"] == "sent")
        #expect(told["ids"] == ["m1", "m2", "m3"])
        #expect(told["parts"]?.arrayValue?.count == 3)
        // A reply to any of them is for this session.
        for id in ["m1", "m2", "m3"] {
            #expect(try router.store.turn { try $0.speaker(of: id, source: 1, chat: "ann") } == 1)
        }
    }

    @Test func theSameCallAndTheSameWordsAreTheSameParts() throws {
        let router = try readyRouter()
        var sent = try reply(router, long)
        for id in ["toolu_1", "toolu_2"] { #expect(try reply(router, long, id: id).to(chat).commands.isEmpty) }
        for _ in 1...3 {
            sent = try router.turn(
                router.result(try #require(sent.to(chat).commands.first).key, .sent(ids: ["m"])))
        }
        #expect(Set(sent.to(api).answers.map(\.id)) == ["toolu_1", "toolu_2"])
        let again = try reply(router, long, id: "toolu_3")
        #expect(again.to(chat).commands.isEmpty)
        #expect(try value(again.to(api).answers)["ids"] == ["m", "m", "m"])
    }

    @Test func aRefusedPartEndsTheReplyAndSaysSo() throws {
        let router = try readyRouter()
        var sent = try reply(router, long)
        sent = try router.turn(router.result("toolu_1", .sent(ids: ["m1"])))
        sent = try router.turn(router.result("toolu_1/2", .rejected(reason: "bad words")))
        let message = try failure(sent.to(api).answers)
        #expect(message.contains("message 2 of 3 was refused: bad words"), "\(message)")
        #expect(message.contains("message 1: sent (m1)"), "\(message)")
        #expect(message.contains("message 3: not sent"), "\(message)")
        // Who reads the torso learns that it is one.
        let notice = try #require(sent.to(chat).commands.first)
        #expect(notice.arguments["text"] == "The rest of this ")
        // Said again, it is the same failure and nothing is sent.
        #expect(try reply(router, long).to(chat).commands.isEmpty)

        let letters = try router.store.read { try $0.deadLetters(limit: 10) }
        #expect(letters.map(\.id.description) == ["o1"])
        #expect(letters.first?.parts == [2, 3])
        #expect(letters.first?.reason == "bad words")
        #expect(letters.first?.text == long)
    }

    @Test func whatWasRefusedAsAWholeMayBeSaidAgain() throws {
        let router = try readyRouter()
        let first = try #require(try reply(router, long).to(chat).commands.first)
        try router.turn(router.result(first.key, .rejected(reason: "slow mode")))
        #expect(try reply(router, long, id: "toolu_2").to(chat).commands.map(\.key) == ["toolu_2"])
    }

    @Test func anUnknownPartIsNotRepeatedAndTheRestGoesOn() throws {
        let router = try readyRouter()
        _ = try reply(router, long)
        var sent = try router.turn(router.result("toolu_1", .unknown(reason: "the line broke")))
        #expect(sent.to(chat).commands.map(\.key) == ["toolu_1/2"])
        try router.turn(router.result("toolu_1/2", .sent(ids: ["m2"])))
        sent = try router.turn(router.result("toolu_1/3", .sent(ids: ["m3"])))
        let told = try value(sent.to(api).answers)
        #expect(told["status"] == "unknown")
        #expect(told["ids"] == ["m2", "m3"])
        #expect(told["message"]?.stringValue?.contains("message 1: may have been sent or not") == true)
    }

    @Test func aShortPauseIsWaitedForAndALongOneIsTold() throws {
        let router = try readyRouter()
        _ = try reply(router, long)
        try router.turn(router.result("toolu_1", .sent(ids: ["m1"])))
        let short = try router.turn(router.result("toolu_1/2", .retry(after: 1_000, reason: "429")))
        #expect(short.to(api).answers.isEmpty)
        router.pass(1_000)
        #expect(try router.turn().to(chat).commands.map(\.key) == ["toolu_1/2#2"])
        let told = try value(
            try router.turn(router.result("toolu_1/2#2", .retry(after: 60_000, reason: "429"))).to(api).answers)
        #expect(told["status"] == "queued")
        #expect(told["ids"] == ["m1"])
        #expect(told["message"]?.stringValue?.contains("messages 2 to 3: waiting (429)") == true, "\(told)")
    }

    @Test func anAwayPlatformsLimitsAreKnownFromTheStore() throws {
        let router = try readyRouter()
        try router.restart()
        try router.attachEndpoint()
        let told = try value(try reply(router, long).to(api).answers)
        #expect(told["status"] == "queued")
        #expect(told["parts"]?.arrayValue?.count == 3)
        let first = try router.attachAdapter(textLimit: 20).commands
        #expect(first.map(\.key) == ["toolu_1"])
    }

    @Test func aRestartInTheMiddleGoesOnWithTheNextPart() throws {
        let router = try readyRouter()
        _ = try reply(router, long)
        try router.turn(router.result("toolu_1", .sent(ids: ["m1"])))
        try router.restart()
        #expect(try router.attachAdapter(next: 3, textLimit: 20).commands.map(\.key) == ["toolu_1/2"])
        try router.attachEndpoint()
        #expect(try reply(router, long).to(api).answers.isEmpty)
        try router.turn(router.result("toolu_1/2", .sent(ids: ["m2"])))
        let sent = try router.turn(router.result("toolu_1/3", .sent(ids: ["m3"])))
        #expect(try value(sent.to(api).answers)["ids"] == ["m1", "m2", "m3"])
    }

    @Test func markdownIsRenderedForWhatThePlatformCan() throws {
        let markdown = "**bold** [docs](https://a.example)"
        let plain = try #require(try reply(readyRouter(textLimit: nil), markdown).to(chat).commands.first)
        #expect(plain.arguments["text"] == "bold docs (https://a.example)")
        #expect(plain.arguments["spans"] == nil)
        let rich = try #require(
            try reply(readyRouter(features: ["formatting"], textLimit: nil), markdown).to(chat).commands.first)
        #expect(
            FormattedText(rich.arguments).spans == [
                .init(.bold, start: 0, length: 4), .init(.link(url: "https://a.example"), start: 5, length: 4),
            ])
    }

    @Test func theLabelCounts() throws {
        let router = try readyRouter()
        router.pass(10)
        let place = Place(source: 1, chat: "ann", thread: nil)
        try router.act { $0.noteSpeaker(7, in: place) }
        var sent = try reply(router, "one two three four")
        let command = try #require(sent.to(chat).commands.first)
        #expect(command.arguments["text"] == "api: one two three ")
        sent = try router.turn(router.result(command.key, .sent(ids: [])))
        #expect(sent.to(chat).commands.first?.arguments["text"] == "four")
    }

    @Test func tooManyMessagesAreRefused() throws {
        let router = try readyRouter(textLimit: 4)
        let message = try failure(try reply(router, String(repeating: "word ", count: 200)).to(api).answers)
        #expect(message.contains("shorten"))
        #expect(router.core.outbox.count == 0)
    }

    // MARK: Lanes that are held up

    @Test func aPartThatAWorkingPlatformPutsOffForEverIsGivenUp() throws {
        let router = try readyRouter()
        _ = try reply(router, "bad")
        _ = try reply(router, "good", id: "toolu_2")
        var key: String? = "toolu_1"
        var tries = 0
        while let current = key, current.hasPrefix("toolu_1") {
            tries += 1
            try router.turn(router.result(current, .retry(after: 50, reason: "500")))
            router.pass(60_000)
            try router.attachAdapter(next: UInt64(tries) + 10, textLimit: 20)
            key = router.core.outbox.sending(source: 1).first?.commandKey
        }
        #expect(tries == Outbox.tryLimit)
        #expect(key == "toolu_2")
        #expect(
            try router.store.read { try $0.deadLetters(limit: 10) }.map(\.reason) == ["given up after 20 tries: 500"])
    }

    @Test func anOutageIsNobodysFault() throws {
        let router = try readyRouter()
        _ = try reply(router, "hello")
        for number in 1...(Outbox.tryLimit + 5) {
            try router.turn((chat, .health(epoch: router.epoch(chat), Health(state: .deaf, reason: "no route"))))
            let key = try #require(router.core.outbox.sending(source: 1).first?.commandKey)
            try router.turn(router.result(key, .retry(after: 50, reason: "no route")))
            router.pass(60_000)
            try router.attachAdapter(next: UInt64(number) + 10, textLimit: 20)
        }
        #expect(router.core.outbox.count == 1)
    }

    @Test func anAdapterThatNeverSaysWhatBecameOfItHoldsNothingUpForLong() throws {
        let router = try readyRouter()
        _ = try reply(router, "lost")
        _ = try reply(router, "next", id: "toolu_2")
        for _ in 0..<Int(Outbox.resultPatience / 5_000) {
            router.pass(5_000)
            try router.turn((chat, .heartbeat(epoch: router.epoch(chat))))
        }
        #expect(router.core.outbox.sending(source: 1).map(\.key) == ["toolu_2"])
        #expect(try router.store.turn { try $0.part(key: "toolu_1") }?.state == .unknown)
    }

    // MARK: Dead letters

    @Test func aDeadReplyIsTriedAgainFromWhereItEnded() throws {
        let router = try readyRouter()
        _ = try reply(router, long)
        try router.turn(router.result("toolu_1", .sent(ids: ["m1"])))
        let refused = try router.turn(router.result("toolu_1/2", .rejected(reason: "closed")))
        var notice = refused
        while let command = notice.to(chat).commands.first {
            notice = try router.turn(router.result(command.key, .sent(ids: [])))
        }

        #expect(try router.ask("deadletters.retry", ["ids": ["o1"]]) == .success(["retried": 1]))
        #expect(router.core.outbox.sending(source: 1).map(\.commandKey) == ["toolu_1/2#2"])
        try router.restart()
        #expect(try router.attachAdapter(next: 9, textLimit: 20).commands.map(\.key) == ["toolu_1/2#2"])
        try router.turn(router.result("toolu_1/2#2", .sent(ids: ["m2"])))
        try router.turn(router.result("toolu_1/3", .sent(ids: ["m3"])))
        #expect(try router.store.turn { try $0.parts(reply: 1) }.allSatisfy { $0.state == .sent })
        #expect(try router.store.read { try $0.deadLetters(limit: 10) }.isEmpty)
        guard case .failure = try router.ask("deadletters.retry", ["ids": ["o1"]]) else {
            return #expect(Bool(false), "nothing is dead any more")
        }
    }

    @Test func droppedLettersAreGoneAndAllMeansWhatIsCertain() throws {
        let router = try readyRouter()
        _ = try reply(router, "one")
        try router.turn(router.result("toolu_1", .rejected(reason: "no")))
        _ = try reply(router, "two", id: "toolu_2")
        try router.turn(router.result("toolu_2", .unknown(reason: "who knows")))
        #expect(try router.store.read { try $0.deadLetterCount() } == 2)
        #expect(try router.ask("deadletters.retry", ["all": true]) == .success(["retried": 1]))
        #expect(router.core.outbox.sending(source: 1).map(\.key) == ["toolu_1"])
        #expect(try router.ask("deadletters.drop", ["ids": ["o2", "o2"]]) == .success(["dropped": 1]))
        #expect(try router.store.read { try $0.deadLetterCount() } == 0)
        for ids in [["x"], [], ["o99"]] as [[String]] {
            guard case .failure = try router.ask("deadletters.drop", ["ids": .array(ids.map(JSONValue.string))]) else {
                return #expect(Bool(false), "\(ids)")
            }
        }
    }

    @Test func aDeadDeliveryGoesBackIntoItsQueue() throws {
        let router = try RouterFixture()
        try router.attachAdapter()
        try router.attachReadyEndpoint()
        let delivery = try #require(try router.turn(router.publish(["1"])).deliveries().first)
        let failed = Receipt(failed: [Receipt.Failure(delivery: delivery.id, code: "oversize")])
        try router.turn((api, .numbered(router.position(api), .receipt(failed))))
        router.pass(20)
        try router.turn()
        let letter = try #require(try router.store.read { try $0.deadLetters(limit: 10) }.first)
        #expect(letter.id == .delivery(1, delivery.id))
        #expect(letter.reason == "oversize")
        try router.turn()
        _ = try router.ask("deadletters.retry", ["ids": [.string(letter.id.description)]])
        #expect(try router.states(of: "1") == ["api": .offered])
    }

    // MARK: Notices and commands

    @Test func aLongNoticeIsSplitAndItsButtonsComeLast() throws {
        let router = try RouterFixture()
        try router.attachAdapter(verbs: ["send", "edit"], features: ["buttons"], textLimit: 20)
        let place = Place(source: 1, chat: "ann", thread: nil)
        var notice = Notice(key: "n:1", text: long)
        notice.buttons = [[.init(label: "Yes", action: "yes")]]
        var sent = try router.act { [now = router.now] in $0.say(notice, to: place, now) }
        var commands: [PlatformCommand] = []
        while let command = sent.to(chat).commands.first {
            commands.append(command)
            sent = try router.turn(router.result(command.key, .sent(ids: ["m"])))
        }
        #expect(commands.compactMap { $0.arguments["text"]?.stringValue }.joined() == long)
        #expect(commands.map { $0.arguments["buttons"] != nil } == [false, false, true])

        notice.key = "n:2"
        notice.edits = "m"
        sent = try router.act { [now = router.now] in $0.say(notice, to: place, now) }
        let edit = try #require(sent.to(chat).commands.first)
        #expect(edit.verb == "edit")
        #expect(edit.arguments["text"] == "one two three\n\n …")
    }

    @Test func aToolsCommandIsCarriedOutOnceAndItsOutcomeAnswersTheCall() throws {
        let router = try RouterFixture()
        try router.attachAdapter(verbs: ["send", "react"])
        try router.attachReadyEndpoint()
        try router.turn(router.publish(["1"]))
        let place = Place(source: 1, chat: "ann", thread: nil)
        var command = OutboxCommand(verb: "react", arguments: ["id": "55", "emoji": "👍"], place: place)
        command.remark = "the chat shows it as text"
        let call = Call(id: "toolu_7", name: "react", arguments: [:])
        let now = router.now
        let sent = try router.act { core in
            core.enqueue(
                command, for: call, session: 1, from: api, knowing: .reply(known: [], hasHeard: true), now)
        }
        #expect(sent.to(chat).commands.map(\.verb) == ["react"])
        let answers = try router.turn(router.result("toolu_7", .sent(ids: []))).to(api).answers
        #expect(try value(answers)["remark"] == "the chat shows it as text")
        let known = try router.store.turn { try $0.parts(reply: 1) }
        let again = try router.act { core in
            core.enqueue(command, for: call, session: 1, from: api, knowing: .reply(known: known, hasHeard: true), now)
        }
        #expect(again.to(chat).commands.isEmpty)
        #expect(try value(again.to(api).answers)["status"] == "sent")
        // Not where nobody let it in, and not what the platform cannot do.
        for (verb, hasHeard) in [("react", false), ("topic", true)] {
            var refused = command
            refused.verb = verb
            let sent = try router.act { core in
                core.enqueue(
                    refused, for: Call(id: "toolu_8", name: "x", arguments: [:]), session: 1, from: api,
                    knowing: .reply(known: [], hasHeard: hasHeard), now)
            }
            _ = try failure(sent.to(api).answers)
        }
    }
}
