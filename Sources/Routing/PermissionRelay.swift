import BusProtocol
import ChannelEvents
import MessageStore

/// All that the permission relay keeps in memory; made anew from the store.
struct PermissionRelay: Sendable {
    /// Prompts of one session that are open at once, and of all together; past it one more is refused.
    static let sessionLimit = 64
    static let limit = 1_024
    /// A session whose link is lost keeps its prompts for so long, in milliseconds.
    static let awayLimit: Int64 = 60_000
    /// A prompt waits so long for the hook that tells its arguments, in milliseconds.
    static let inputPatience: Int64 = 300
    /// Refusals to one sender are said this often, in milliseconds.
    static let refusalPause: Int64 = 5_000
    private static let refusalLimit = 200

    /// Open ones, and the newest of those that are over.
    private(set) var prompts: [Int64: PermissionPrompt] = [:]
    private(set) var open: Set<Int64> = []
    private var codes: [String: Int64] = [:]
    var grants: [Int64: GrantRecord]
    var heard: [SessionID: HeardCalls] = [:]
    /// Uptime since when sessions with open prompts have no link.
    var awaySince: [SessionID: Int64] = [:]
    private var refusals: [String: Int64] = [:]
    private var lastPrompt: Int64
    private var lastGrant: Int64

    init(_ stored: StoredPermissions, now: Moment) {
        lastPrompt = stored.lastPrompt
        lastGrant = stored.lastGrant
        grants = Dictionary(stored.grants.map { ($0.id, $0) }, uniquingKeysWith: { first, _ in first })
        for record in stored.prompts {
            var prompt = PermissionPrompt(record, due: now.uptime + max(0, record.due - now.wall))
            for card in stored.cards where card.prompt == record.id { prompt.cards[card.number] = card }
            prompt.cardsAt = prompt.cards.isEmpty ? now.uptime : nil
            self[record.id] = prompt
            // Whoever asked has to come back first.
            if record.isOpen { awaySince[record.session] = now.uptime }
        }
    }

    subscript(id: Int64) -> PermissionPrompt? {
        get { prompts[id] }
        set {
            if let old = prompts[id], codes[old.record.code] == id { codes[old.record.code] = nil }
            prompts[id] = newValue
            if let newValue { codes[newValue.record.code] = id }
            if newValue?.record.isOpen ?? false { open.insert(id) } else { open.remove(id) }
        }
    }

    /// The prompt that a person means by a code.
    func prompt(code: String) -> PermissionPrompt? { codes[code].flatMap { prompts[$0] } }

    /// Whether a text can have to do with prompts at all: else nobody reads it for that.
    var isQuiet: Bool { prompts.isEmpty }

    func open(in session: SessionID) -> [PermissionPrompt] {
        open.sorted().compactMap { prompts[$0] }.filter { $0.record.session == session }
    }

    mutating func nextPrompt() -> Int64 {
        lastPrompt += 1
        return lastPrompt
    }

    mutating func nextGrant() -> Int64 {
        lastGrant += 1
        return lastGrant
    }

    /// The code that is shown and typed: the request's own where nobody else has it, else a new one, so that two sessions
    /// that use the same one at the same time do not mix.
    func code(for request: String, draw: () -> UInt64) -> String {
        if VerdictText.isCode(request), codes[request] == nil { return request }
        while true {
            let code = VerdictText.code(draw)
            if codes[code] == nil { return code }
        }
    }

    /// Forgets the oldest of those that are over.
    mutating func trim() {
        let excess = prompts.count - open.count - Int(StoredPermissions.rememberedPrompts)
        guard excess > 0 else { return }
        let over = prompts.values.filter { !$0.record.isOpen && $0.record.isWritten }.map(\.record.id).sorted()
        for id in over.prefix(excess) { self[id] = nil }
    }

    /// Whether a sender may be told that he is refused: nobody can make us talk without end.
    mutating func mayRefuse(_ sender: String, now: Moment) -> Bool {
        if let last = refusals[sender], now.uptime - last < Self.refusalPause { return false }
        if refusals.count >= Self.refusalLimit {
            refusals = refusals.filter { now.uptime - $0.value < Self.refusalPause }
            if refusals.count >= Self.refusalLimit { return false }
        }
        refusals[sender] = now.uptime
        return true
    }

    /// When something happens by itself, as uptime.
    var nextDue: Int64? {
        var next: Int64?
        for id in open {
            guard let prompt = prompts[id] else { continue }
            let away = awaySince[prompt.record.session].map { $0 + Self.awayLimit }
            let due = [prompt.due, prompt.cardsAt, prompt.inputUntil, away].compactMap(\.self).min() ?? prompt.due
            next = min(next ?? due, due)
        }
        return next
    }
}

/// One prompt with its cards, and what of it is only in memory. Pure: it says what an answer does to it.
struct PermissionPrompt: Sendable {
    var record: PromptRecord
    var cards: [Int64: CardRecord] = [:]
    /// Uptime at which it is renewed, escalated or denied.
    var due: Int64
    /// Uptime at which its cards go out; `nil` when they did.
    var cardsAt: Int64?
    /// Uptime until which the hook that tells its arguments is waited for.
    var inputUntil: Int64?
    /// Uptime at which it was asked.
    var askedAt: Int64 = 0
    /// A hook told the arguments of this very call, and nothing else can be meant.
    var isCertain = false
    /// Conversations whose messages the turn took in, the first one first.
    var origins: [Place] = []
    /// Whoever waits was told that nobody can answer.
    var isHelpless = false

    init(_ record: PromptRecord, due: Int64) {
        self.record = record
        self.due = due
    }

    mutating func forgetArguments() {
        record.about = ""
        record.preview = ""
        record.input = nil
    }

    var asks: [CardRecord] { cards.values.filter { $0.role == .asks }.sorted { $0.number < $1.number } }

    enum Outcome: Equatable {
        case decided
        /// It takes one more person.
        case noted
        /// The same person said so already.
        case again
        case late
    }

    /// An answer of somebody who may answer.
    /// - Parameters:
    ///   - person: the same for all addresses of one person.
    ///   - takesTwo: whether one person's leave is not enough. One person's no always is.
    mutating func answer(_ allow: Bool, by person: String, address: String, takesTwo: Bool, at wall: Int64) -> Outcome {
        guard record.isOpen else { return .late }
        if allow, takesTwo {
            guard let first = record.first else {
                record.first = person
                return .noted
            }
            guard first != person else { return .again }
        }
        record.state = allow ? .allowed : .denied
        record.decider = address
        record.ended = wall
        record.reason = "answered"
        return .decided
    }

    /// It is over without an answer from here.
    mutating func end(_ reason: String, at wall: Int64) {
        guard record.isOpen else { return }
        record.state = .ended
        record.decider = "router"
        record.ended = wall
        record.reason = reason
        record.isWritten = true
    }
}

/// `yes abcde`: the documented grammar, ASCII only, so that nothing that merely looks like a letter counts.
enum VerdictText {
    struct Verdict: Equatable {
        var allow: Bool
        var code: String
    }

    /// Longest text that is looked at, in bytes.
    static let limit = 200
    private static let letters = Array("abcdefghijkmnopqrstuvwxyz")

    static func isCode(_ text: String) -> Bool {
        text.utf8.count == 5 && text.utf8.allSatisfy { (0x61...0x7A).contains($0) && $0 != UInt8(ascii: "l") }
    }

    static func code(_ draw: () -> UInt64) -> String {
        String((0..<5).map { _ in letters[Int(draw() % UInt64(letters.count))] })
    }

    static func verdict(_ text: String) -> Verdict? {
        guard let words = words(text), words.count == 2, let allow = allows(words[0]), isCode(words[1]) else {
            return nil
        }
        return Verdict(allow: allow, code: words[1])
    }

    /// `yes` or `no` alone: it names no prompt.
    static func isBare(_ text: String) -> Bool {
        guard let words = words(text), words.count == 1 else { return false }
        return allows(words[0]) != nil
    }

    private static func allows(_ word: String) -> Bool? {
        switch word {
        case "y", "yes": true
        case "n", "no": false
        default: nil
        }
    }

    /// Lower-case words; `nil` when there is anything but ASCII letters and blanks in it.
    private static func words(_ text: String) -> [String]? {
        guard text.utf8.count <= limit else { return nil }
        var words: [String] = []
        var word = ""
        for byte in text.utf8 {
            switch byte {
            case 0x41...0x5A: word.unicodeScalars.append(Unicode.Scalar(byte | 0x20))
            case 0x61...0x7A: word.unicodeScalars.append(Unicode.Scalar(byte))
            case 0x20, 0x09...0x0D:
                if !word.isEmpty { words.append(word) }
                word = ""
            default: return nil
            }
        }
        if !word.isEmpty { words.append(word) }
        return words
    }
}

/// What a button of a card sends back: the prompt's own number, the card's secret and what was chosen. Not the request:
/// two sessions may use the same one.
struct CardAction: Equatable {
    enum Choice: String {
        case allow = "y"
        case deny = "n"
        /// Allow this, and the same again for a while.
        case grant = "g"
    }

    var prompt: Int64
    var nonce: String
    var choice: Choice

    static let prefix = "card:"

    init(prompt: Int64, nonce: String, choice: Choice) {
        self.prompt = prompt
        self.nonce = nonce
        self.choice = choice
    }

    init?(_ text: String) {
        let parts = text.split(separator: ":", omittingEmptySubsequences: false)
        guard parts.count == 4, parts[0] == "card", let prompt = Int64(parts[1]), !parts[2].isEmpty,
            let choice = Choice(rawValue: String(parts[3]))
        else { return nil }
        self.init(prompt: prompt, nonce: String(parts[2]), choice: choice)
    }

    var text: String { "\(Self.prefix)\(prompt):\(nonce):\(choice.rawValue)" }
}
