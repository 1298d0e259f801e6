import BusProtocol
import ChannelEvents
import JSON
import MessageStore
import SwitchboardTesting
import Testing

@testable import MessageBus
@testable import Routing

/// The choice of sessions against a second description of it, over random lives of chats and sessions.
@Suite("Every message has the session that the rules name") struct RouteModelTests {
    /// Says in the order of the rules who has what; it knows labels only.
    private struct Oracle {
        static let routed = "rule"
        var known: [String] = []
        var here: [String] = []
        var bindings: [String: String] = [:]
        var last: [String: String] = [:]
        var asked: Set<String> = []
        var spoken: [String: String] = [:]
        var speakers: [String: Set<String>] = [:]
        /// Whose an event is; an empty label is nobody's. What waits can still be handed over.
        var owner: [String: String] = [:]
        var waits: [(event: String, chat: String)] = []

        mutating func attach(_ label: String) {
            if !known.contains(label) { known.append(label) }
            here.append(label)
            for (event, chat) in waits {
                let isOpen = owner[event] == "" && !asked.contains(chat) && here.count == 1
                if isOpen { owner[event] = label }
                if owner[event] == label { deliver(event, chat, label) }
            }
        }

        mutating func deliver(_ event: String, _ chat: String, _ label: String) {
            last[chat] = label
            waits.removeAll { $0.event == event }
        }

        mutating func say(_ event: String, in chat: String, naming label: String?, answering message: String?) {
            var label = message.flatMap { spoken[$0] } ?? label.flatMap { known.contains($0) ? $0 : nil }
            label = label ?? bindings[chat]
            if label == nil, chat == Self.routed {
                label = "db"
                if !known.contains("db") { known.append("db") }
            }
            label = label ?? last[chat]
            if label == nil, !asked.contains(chat) {
                if here.count == 1 { label = here[0] }
                if here.count > 1 { asked.insert(chat) }
            }
            owner[event] = label ?? ""
            waits.append((event, chat))
            if let label, here.contains(label) { deliver(event, chat, label) }
        }

        mutating func use(_ label: String, in chat: String) {
            guard known.contains(label) else { return }
            let from = [bindings[chat], last[chat], "", chat == Self.routed ? "db" : nil].compactMap(\.self)
            bindings[chat] = label
            asked.remove(chat)
            for (event, place) in waits where place == chat && from.contains(owner[event] ?? "") {
                owner[event] = label
                if here.contains(label) { deliver(event, chat, label) }
            }
        }
    }

    @Test(arguments: 1...8 as ClosedRange<UInt64>) func randomLives(_ seed: UInt64) throws {
        var random = SeededGenerator(seed: seed)
        let rule = RouteRule(conversation: Conversation("chat:rule"), to: .session("db"))
        let chat = try RouteFixture(settings: RouterSettings(routes: [rule]), writes: true)
        var oracle = Oracle()
        let labels = ["api", "web", "ops", "db"]
        let chats = ["ann", "bob", "cy", Oracle.routed]
        var heard: Set<String> = []
        for step in 0..<160 {
            let place = chats.randomElement(using: &random) ?? ""
            let label = labels.randomElement(using: &random) ?? ""
            switch Int.random(in: 0..<20, using: &random) {
            case 0...1:
                guard !oracle.here.contains(label) else { continue }
                try chat.attach(label)
                oracle.attach(label)
            case 2:
                guard oracle.here.contains(label) else { continue }
                try chat.leave(label)
                oracle.here.removeAll { $0 == label }
            case 3:
                // In this order they attach again; those that were away stay so.
                try chat.restart([])
                let here = oracle.here
                oracle.here = []
                for label in here {
                    try chat.attach(label)
                    oracle.attach(label)
                }
            case 4...5:
                try chat.say("/use \(label)", in: place)
                oracle.use(label, in: place)
            case 6...8:
                guard oracle.here.contains(label), heard.contains("\(label) \(place)") else { continue }
                let sent = try chat.reply(label, "answer \(step)", to: place, id: "call\(step)")
                oracle.spoken["\(place) \(sent)"] = label
                oracle.speakers[place, default: []].insert(label)
                let prefix = (oracle.speakers[place]?.count ?? 0) > 1 ? "\(label): " : ""
                #expect(chat.lastText == "\(prefix)answer \(step)", "seed \(seed), step \(step)")
            case 9...11:
                let event = try chat.say("@\(label) hello", in: place)
                oracle.say(event, in: place, naming: label, answering: nil)
            case 12...13:
                let message = oracle.spoken.keys.sorted().filter { $0.hasPrefix("\(place) ") }
                    .randomElement(using: &random)
                let id = message.map { String($0.dropFirst(place.count + 1)) }
                let event = try chat.say("and?", in: place, replyTo: id)
                oracle.say(event, in: place, naming: nil, answering: message)
            default:
                let event = try chat.say("hello", in: place)
                oracle.say(event, in: place, naming: nil, answering: nil)
            }
            for (event, to) in chat.offered { heard.insert("\(to) \(chat.place(of: event))") }
            let holders = try chat.holders()
            for (event, owner) in oracle.owner where holders[event] != [owner] {
                Issue.record("seed \(seed), step \(step): \(event) is \(holders[event] ?? []), not \(owner)")
                return
            }
        }
        // What was offered was offered to one session, and once without a mark.
        #expect(Set(chat.offered.map(\.event)).count == chat.offered.count)
        #expect((chat.offered + chat.redelivered).allSatisfy { oracle.owner[$0.event] == $0.to })
    }

    @Test func manySessionsAndConversationsDoNotMix() throws {
        let labels = (0..<64).map { "s\($0)" }
        let chat = try RouteFixture(writes: true, sessions: labels)
        var random = SeededGenerator(seed: 64)
        let chats = (0..<1_000).map { "c\($0)" }
        for (index, place) in chats.enumerated() { try chat.say("/use s\(index % 64)", in: place) }
        var expected: [String: String] = [:]
        for round in 0..<2 {
            if round == 1 { try chat.restart(labels) }
            for index in chats.indices.shuffled(using: &random) {
                expected[try chat.say("hello", in: chats[index])] = "s\(index % 64)"
            }
        }
        #expect(chat.offered.count == 2_000)
        #expect(chat.offered.allSatisfy { expected[$0.event] == $0.to })
    }
}
