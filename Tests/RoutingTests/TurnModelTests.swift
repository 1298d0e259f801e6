import BusProtocol
import ChannelEvents
import JSON
import MessageStore
import Testing

@testable import MessageBus
@testable import Routing

/// Random lives of a session with hooks: prompts, tools, ends, receipts, kills and restarts in any order, against what
/// must hold in every one of them.
struct TurnModelTests {
    @Test(arguments: 1...120)
    func whateverItsHooksSayNothingIsLostDoubledOrMadeUp(seed: UInt64) throws {
        var life = try HookedLife(seed: seed)
        for _ in 0..<100 { try life.step() }
        try life.settle()
        try life.check()
    }
}

/// One life. Claude Code is played as it was observed: what is written while idle begins a turn, what is written in a
/// turn is seen in it or after it.
private struct HookedLife {
    let router: RouterFixture
    var random: SplitMix
    private let chat = RouterFixture.link("chat")
    private let api = RouterFixture.link("api")

    var published = 0
    // The process of Claude Code and its endpoint.
    var isUp = false
    var incarnation = 0
    var isWorking = false
    var tools = 0
    /// Written and not yet prompted, and what of it is not reported.
    var pending: [Delivery] = []
    var unreported: [Int64] = []
    var writtenHere: Set<Int64> = []
    // What must hold.
    var firstWrites: Set<String> = []
    var ever: Set<String> = []
    var proved: Set<String> = []
    var violations: [String] = []
    var calls = 0
    var isLinkBroken = false
    var isSettling = false

    init(seed: UInt64) throws {
        random = SplitMix(state: seed &* 0x9FB2_1C65_1E98_DF25)
        router = try RouterFixture(settings: RouterSettings(attachSettle: 0, firstPushWait: 0))
        try startAdapter()
    }

    private mutating func startAdapter() throws {
        hear(try router.attachAdapter(next: router.next(chat), verbs: RouterFixture.verbs), for: chat)
    }

    mutating func step() throws {
        router.pass(Int64(random.next() % 50) + 1)
        switch random.next() % 20 {
        case 0...4: try publish()
        case 5...7: try report()
        case 8...10: try prompt()
        case 11: try tool(begin: true)
        case 12: try tool(begin: false)
        case 13, 14: try stop()
        case 15: try reply()
        case 16: try restartRouter()
        case 17: try kill()
        case 18: try losesLink()
        default: try passLong()
        }
        try mendLink()
        if !isUp { try start() }
    }

    private mutating func mendLink() throws {
        while isUp, isLinkBroken {
            isLinkBroken = false
            try losesLink()
        }
        isLinkBroken = false
    }

    /// One turn of the router; what comes out while a turn runs must be urgent.
    private mutating func turn(_ messages: [(LinkID, PeerMessage)]) throws {
        for (_, message) in messages { note(message) }
        let before = session?.turn.isWorking == true
        let sent = try router.turn(messages)
        if before, session?.turn.isWorking == true {
            for delivery in sent.deliveries() where !Self.isUrgent(delivery) {
                violations.append("\(delivery.head.id) was written into a turn")
            }
        }
        hear(sent)
    }

    /// What happened, for the report of a failure.
    private var story: [String] = []

    private mutating func note(_ message: PeerMessage) {
        switch message {
        case .numbered(_, .hook(let hook)):
            story.append("\(hook.name) \(hook.members[HookMember.events]?.text ?? "")")
        case .numbered(_, .publish(let publish)): story.append("publish \(publish.events.map { $0.head?.id ?? "" })")
        case .numbered(_, .receipt(let receipt)): story.append("written \(receipt.written)")
        case .call(_, let call): story.append("\(call.name) \(call.arguments.text)")
        default: break
        }
    }

    private var session: Session? { router.core.labels["api"].flatMap { router.core.sessions[$0] } }

    private static func isUrgent(_ delivery: Delivery) -> Bool { delivery.head.id.hasSuffix("u") }

    private mutating func publish() throws {
        let isUrgent = random.next() % 5 == 0
        let id = "\(published)" + (isUrgent ? "u" : "")
        published += 1
        try turn([
            router.publish(
                [id], chat: random.next() % 2 == 0 ? "ann" : "bob", text: isUrgent ? "!now" : "text of \(id)")
        ])
    }

    private mutating func start() throws {
        isUp = true
        story.append("start \(incarnation)")
        try attach()
    }

    private mutating func attach() throws {
        let written = unreported
        unreported = []
        hear(try router.attachEndpoint(instance: "instance-\(incarnation)", written: written), for: api)
    }

    private mutating func report() throws {
        guard isUp, !unreported.isEmpty else { return }
        let count = Int(random.next() % UInt64(unreported.count)) + 1
        let reported = Array(unreported.prefix(count))
        unreported.removeFirst(count)
        try turn([router.written(reported)])
    }

    /// Claude Code takes up what was written; its hook names it. Sometimes a person types.
    private mutating func prompt() throws {
        guard isUp else { return }
        isWorking = true
        guard !pending.isEmpty, random.next() % 8 != 0 else { return try turn([router.submit()]) }
        let delivery = pending.removeFirst()
        proved.formUnion(ids(of: delivery))
        try turn([router.submit(delivery.head.id)])
    }

    private mutating func tool(begin: Bool) throws {
        guard isUp, isWorking else { return }
        if begin { tools += 1 }
        let use: JSONObject = ["tool_use_id": .string("t\(tools)"), "tool_name": "Bash"]
        try turn([router.hook(begin ? "PreToolUse" : "PostToolUse", use, wantsAnswer: begin)])
    }

    private mutating func stop() throws {
        guard isUp, isWorking else { return }
        let wantsAnswer = random.next() % 2 == 0
        story.append("Stop")
        let sent = try router.turn(router.hook("Stop", wantsAnswer: wantsAnswer))
        let isReminded = sent.to(api).hookAnswer?["decision"] == "block"
        if isReminded, !wantsAnswer { violations.append("a reminder that nobody waits for") }
        isWorking = isReminded
        hear(sent)
    }

    private mutating func reply() throws {
        guard isUp, !firstWrites.isEmpty else { return }
        calls += 1
        let name = random.next() % 2 == 0 ? "ann" : "bob"
        // A reply covers all that was written of its chat.
        for delivery in pending where delivery.head.chat == name { proved.formUnion(ids(of: delivery)) }
        covered.insert(name)
        let arguments: JSONValue = ["chat_id": .string("chat:\(name)"), "text": .string("answer \(calls)")]
        try turn([(api, router.call("reply", arguments, id: "call-\(calls)", from: api))])
        try turn(router.sentAll())
    }

    private var covered: Set<String> = []

    private mutating func restartRouter() throws {
        story.append("router restarts")
        try router.restart()
        try startAdapter()
        try attach()
    }

    private mutating func kill() throws {
        guard isUp, random.next() % 2 == 0 else { return }
        isUp = false
        isWorking = false
        incarnation += 1
        pending = []
        unreported = []
        writtenHere = []
        try turn([(api, .bye(Bye(code: "shutting-down", message: "")))])
    }

    private mutating func losesLink() throws {
        guard isUp else { return }
        story.append("new link, written \(unreported)")
        try attach()
    }

    private mutating func passLong() throws {
        for _ in 0..<Int(random.next() % 8) { hear(try router.idle(10_000)) }
    }

    // MARK: What comes out

    private mutating func hear(_ messages: [RouterMessage], for link: LinkID) {
        hear(messages.map { Effects.Outgoing(link: link, message: $0) })
    }

    private mutating func hear(_ sent: [Effects.Outgoing]) {
        guard isUp else { return }
        // The link broke under what was sent: the endpoint never got it.
        if !sent.deliveries().isEmpty, !isSettling, random.next() % 10 == 0 {
            story.append("lost \(sent.deliveries().map(\.head.id))")
            return isLinkBroken = true
        }
        for delivery in sent.deliveries() {
            // The endpoint: what it wrote it writes again only when that is marked.
            if writtenHere.contains(delivery.id), delivery.redelivery == 0 {
                unreported.append(delivery.id)
                continue
            }
            story.append("deliver \(ids(of: delivery)) redelivery \(delivery.redelivery)")
            writtenHere.insert(delivery.id)
            unreported.append(delivery.id)
            pending.append(delivery)
            for id in ids(of: delivery) {
                if delivery.redelivery == 0, !firstWrites.insert(id).inserted { violations.append("\(id) came twice") }
                firstWrites.insert(id)
                ever.insert(id)
            }
        }
    }

    private func ids(of delivery: Delivery) -> [String] {
        guard delivery.count > 1 else { return [delivery.head.id] }
        do {
            let lines = try EventBody(json: delivery.body).text.split(separator: "\n")
            return lines.compactMap { line in
                let parts = line.split(separator: " ")
                guard !line.hasPrefix(">"), let index = parts.firstIndex(of: "message_id"), index + 1 < parts.count
                else { return nil }
                return String(parts[index + 1].prefix { $0 != "," && $0 != ":" })
            }
        } catch {
            return []
        }
    }

    // MARK: The end

    /// Everything gets its time: a session that works as it should.
    mutating func settle() throws {
        isSettling = true
        try mendLink()
        if !isUp { try start() }
        for _ in 0..<60 {
            router.pass(20)
            if !unreported.isEmpty {
                let reported = unreported
                unreported = []
                try turn([router.written(reported)])
            }
            while !pending.isEmpty { try prompt() }
            router.pass(20)
            if isWorking { try stop() }
            hear(try router.idle(1_000))
        }
        // Left alone, no turn runs on.
        isUp = false
        for _ in 0..<250 { _ = try router.idle(10_000) }
    }

    func check() throws {
        #expect(violations == [])
        #expect(session?.turn.isWorking == false, "every turn ends")
        let all = Set(try router.history().map(\.head.id))
        let last = story.suffix(60).joined(separator: "\n")
        #expect(all.subtracting(ever) == [], "every event was written\n\(last)")
        for entry in try router.history() {
            for delivery in entry.deliveries where delivery.session == "api" {
                let states = delivery.changes.map(\.state)
                if states.contains(.seen) {
                    #expect(proved.contains(entry.head.id), "\(entry.head.id) is said to be seen\n\(last)")
                }
                if states.contains(.answered) { #expect(covered.contains(entry.head.chat)) }
                #expect(delivery.state != .waiting, "\(entry.head.id) waits for nothing")
            }
        }
        #expect(router.core.notices.typing.isEmpty, "nobody types for ever")
    }
}
