import BusProtocol
import ChannelEvents
import JSON
import MessageStore
import Testing

@testable import MessageBus
@testable import Routing

/// Random lives of a router, its adapter and its session, against what must hold in every one of them.
struct ModelTests {
    @Test(arguments: 1...150)
    func whateverHappensNothingIsLostOrDoubled(seed: UInt64) throws {
        var life = try Life(seed: seed)
        for _ in 0..<120 { try life.step() }
        try life.settle()
        try life.check()
    }
}

/// One random life. The adapter keeps what is not acknowledged, the session remembers what it wrote, as the real ones do.
private struct Life {
    let router: RouterFixture
    var random: SplitMix
    // The adapter's side.
    var published = 0
    var unacknowledged: [(sequence: UInt64, message: Numbered)] = []
    var nextSequence: UInt64 = 1
    var isAdapterUp = false
    var adapterProcess = 0
    /// Keys that this adapter process carried out, and results it has not sent.
    var carriedOut: Set<String> = []
    var results: [String] = []
    var outcomes: [String: SendOutcome] = [:]
    /// The platform takes everything.
    var isCalm = false
    // The session's side.
    var isSessionUp = false
    var incarnation = 0
    var unreported: [Int64] = []
    var writtenHere: Set<Int64> = []
    // What a person would see.
    var firstWrites: [String] = []
    var doubles: [String] = []
    var sendsByKey: [String: Int] = [:]
    var call = 0

    enum Numbered {
        case publish([String], chat: String)
        case result(String, SendOutcome)
    }

    private let chat = RouterFixture.link("chat")
    private let api = RouterFixture.link("api")

    init(seed: UInt64) throws {
        random = SplitMix(state: seed &* 0xD134_2543_DE82_EF95 ^ 0xA076_1D64_78BD_642F)
        router = try RouterFixture(settings: RouterSettings(attachSettle: 0, firstPushWait: 0))
    }

    mutating func step() throws {
        switch random.next() % 16 {
        case 0...4: try publish()
        case 5...7: try report()
        case 8: try crash()
        case 9: try failedCommit()
        case 10: try endAdapter()
        case 11: try endSession()
        case 12: try reply()
        case 14: try sendResults()
        case 13: router.pass(Int64(random.next() % 400))
        default: try come()
        }
        hear(try router.turn())
    }

    private mutating func come() throws {
        if !isAdapterUp { try startAdapter() }
        if !isSessionUp { try startSession() }
    }

    private mutating func startAdapter() throws {
        isAdapterUp = true
        let first = unacknowledged.first?.sequence ?? nextSequence
        hear(
            try router.attachAdapter(instance: "instance-chat-\(adapterProcess)", pid: 1, next: first, textLimit: 24),
            for: chat)
        // The link is new: what was not acknowledged goes again, numbered on.
        for (_, message) in unacknowledged { hear(try router.turn(frame(message))) }
    }

    private func frame(_ message: Numbered) -> (LinkID, PeerMessage) {
        switch message {
        case .publish(let ids, let name): return router.publish(ids, chat: name)
        case .result(let key, let outcome): return router.result(key, outcome)
        }
    }

    /// Sends one numbered message; sometimes the link breaks before the acknowledgement is there.
    private mutating func send(_ message: Numbered) throws {
        unacknowledged.append((nextSequence, message))
        nextSequence += 1
        let sent = try router.turn(frame(message))
        if random.next() % 8 == 0 {
            isAdapterUp = false
            hear(sent.filter { $0.link != chat })
        } else {
            hear(sent)
        }
    }

    private mutating func sendResults() throws {
        while isAdapterUp, !results.isEmpty {
            let key = results.removeFirst()
            try send(.result(key, outcomes[key] ?? .unknown(reason: "")))
        }
    }

    private mutating func startSession() throws {
        isSessionUp = true
        let written = unreported
        unreported = []
        hear(try router.attachEndpoint(instance: "instance-\(incarnation)", written: written), for: api)
        hear(try router.turn((api, router.call("conversations", [:], from: api))))
    }

    private mutating func publish() throws {
        guard isAdapterUp else { return }
        let ids = (0..<Int(random.next() % 4 + 1)).map { "\(published + $0)" }
        published += ids.count
        try send(.publish(ids, chat: random.next() % 2 == 0 ? "ann" : "bob"))
    }

    /// The session reports some of what it wrote.
    private mutating func report() throws {
        guard isSessionUp, !unreported.isEmpty else { return }
        let count = Int(random.next() % UInt64(unreported.count)) + 1
        let reported = Array(unreported.prefix(count))
        unreported.removeFirst(count)
        hear(try router.turn(router.written(reported)))
    }

    private mutating func reply() throws {
        guard isSessionUp, let last = firstWrites.last else { return }
        call += 1
        // One message or three.
        let words = "answer \(call) to \(last). "
        let text = call % 2 == 0 ? words : words + words + words
        let arguments: JSONValue = ["chat_id": "chat:ann", "text": .string(text)]
        hear(try router.turn((api, router.call("reply", arguments, id: "call-\(call)", from: api))))
    }

    private mutating func crash() throws {
        try router.restart()
        isAdapterUp = false
        isSessionUp = false
    }

    private mutating func failedCommit() throws {
        guard isAdapterUp else { return }
        let message = Numbered.publish(["\(published)"], chat: "ann")
        published += 1
        unacknowledged.append((nextSequence, message))
        nextSequence += 1
        try router.failingTurn([frame(message)])
        isAdapterUp = false
        isSessionUp = false
    }

    private mutating func endAdapter() throws {
        guard isAdapterUp else { return }
        isAdapterUp = false
        hear(try router.turn((chat, .bye(Bye(code: "shutting-down", message: "")))))
        // A new process: the platform gives again what was never committed; what was carried out is forgotten.
        adapterProcess += 1
        carriedOut = []
        results = []
        let publishes = unacknowledged.filter { if case .publish = $0.message { true } else { false } }
        unacknowledged = publishes.enumerated().map { (UInt64($0.offset) + 1, $0.element.message) }
        nextSequence = UInt64(unacknowledged.count) + 1
    }

    /// The process ends: what it wrote and did not report nobody will ever report.
    private mutating func endSession() throws {
        guard isSessionUp else { return }
        isSessionUp = false
        incarnation += 1
        unreported = []
        writtenHere = []
        hear(try router.turn((api, .bye(Bye(code: "shutting-down", message: "")))))
    }

    private mutating func hear(_ messages: [RouterMessage], for link: LinkID) {
        hear(messages.map { Effects.Outgoing(link: link, message: $0) })
    }

    private mutating func hear(_ sent: [Effects.Outgoing]) {
        for outgoing in sent {
            switch outgoing.message {
            case .ack(let ack) where outgoing.link == chat && isAdapterUp:
                unacknowledged.removeAll { $0.sequence <= ack.position.sequence }
            case .numbered(_, .deliver(let deliveries)) where isSessionUp:
                for delivery in deliveries { write(delivery) }
            case .numbered(_, .command(let command)) where outgoing.link == chat && isAdapterUp:
                // The kit: a known key is answered from memory, never carried out twice.
                if carriedOut.insert(command.key).inserted { carryOut(command.key) }
                results.append(command.key)
            default: break
            }
        }
    }

    private mutating func carryOut(_ key: String) {
        let part = String(key.prefix { $0 != "#" })
        let reply = String(part.prefix { $0 != "/" })
        let ordinal = Int(part.dropFirst(reply.count + 1)) ?? 1
        switch isCalm ? 9 : random.next() % 10 {
        case 0: outcomes[key] = .rejected(reason: "no")
        case 1, 2: outcomes[key] = .retry(after: 10, reason: "busy")
        default:
            outcomes[key] = .sent(ids: ["sent-\(part)"])
            sendsByKey[part, default: 0] += 1
            if ordinal <= newest[reply] ?? 0 { outOfOrder.append(key) }
            newest[reply] = ordinal
        }
    }

    /// The part of each reply that was sent last.
    var newest: [String: Int] = [:]
    var outOfOrder: [String] = []

    /// As the endpoint does: an id it wrote is written again only when it is marked.
    private mutating func write(_ delivery: Delivery) {
        if writtenHere.contains(delivery.id), delivery.redelivery == 0 { return doubles.append(delivery.head.id) }
        writtenHere.insert(delivery.id)
        unreported.append(delivery.id)
        if delivery.redelivery == 0 {
            if firstWrites.contains(delivery.head.id) { doubles.append(delivery.head.id) }
            firstWrites.append(delivery.head.id)
        }
        everWritten.insert(delivery.head.id)
        // What comes again comes as one digest; every message in it is quoted.
        guard delivery.count > 1 else { return }
        let text: String
        do { text = try EventBody(json: delivery.body).text } catch { return doubles.append(delivery.head.id) }
        let quoted = text.split(separator: "\n").filter { $0.hasPrefix("> text of ") }.map { String($0.dropFirst(10)) }
        if quoted.count != Int(delivery.count) || delivery.redelivery == 0 { doubles.append(delivery.head.id) }
        everWritten.formUnion(quoted)
    }

    var everWritten: Set<String> = []

    /// Everything that was still on its way arrives.
    mutating func settle() throws {
        isCalm = true
        for _ in 0..<80 {
            try come()
            if !unreported.isEmpty {
                let reported = unreported
                unreported = []
                hear(try router.turn(router.written(reported)))
            }
            try sendResults()
            router.pass(50)
            hear(try router.turn())
            // A link that heard nothing for a while is silent: both sides keep it.
            hear(
                try router.turn(
                    (chat, .heartbeat(epoch: router.epoch(chat))), (api, .heartbeat(epoch: router.epoch(api)))))
        }
    }

    func check() throws {
        #expect(unacknowledged.count == 0, "every event is acknowledged")
        #expect(Set((0..<published).map(String.init)).subtracting(everWritten) == [], "every event reached a session")
        #expect(doubles.isEmpty, "nothing came twice unmarked")
        #expect(sendsByKey.values.allSatisfy { $0 == 1 }, "no reply was sent twice")
        #expect(router.core.outbox.count == 0, "every reply has an end")
        #expect(outOfOrder.isEmpty, "parts are sent in order")
        let parts = try router.store.read { try $0.replies(place: nil, times: 0..<Int64.max, limit: 100_000) }.map(
            \.part)
        for reply in Dictionary(grouping: parts, by: \.reply).values {
            let refused = reply.filter { $0.state == .rejected }.map(\.ordinal).min() ?? .max
            #expect(
                reply.allSatisfy { $0.ordinal < refused || $0.state == .rejected }, "none after one that was refused")
        }
        // The first time each event was written follows the order in which it was published.
        let order = firstWrites.compactMap(Int.init)
        #expect(order == order.sorted(), "the order of admission is kept")
    }
}

/// A small random generator whose seed names the life.
struct SplitMix {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var value = state
        value = (value ^ (value >> 30)) &* 0xBF58_476D_1CE4_E5B9
        value = (value ^ (value >> 27)) &* 0x94D0_49BB_1331_11EB
        return value ^ (value >> 31)
    }
}
