/// What Claude Code asked leave for, bound to one incarnation of one session: an answer never serves another prompt.
public struct PromptRecord: Hashable, Sendable {
    /// A storage contract.
    public enum State: Int64, Sendable {
        case open = 0
        case allowed = 1
        case denied = 2
        /// Nobody here decided it: it was answered at the terminal, or its session ended.
        case ended = 3
    }

    public var id: Int64
    public var session: SessionID
    public var incarnation: Int64
    /// Claude Code's name for it; two sessions may use the same one at the same time.
    public var request: String
    /// What a person types; unique among the prompts that are remembered.
    public var code: String
    public var tool: String
    /// Claude Code's summary. Hostile.
    public var about: String
    /// The arguments as Claude Code abridges them. Hostile.
    public var preview: String
    /// The whole arguments as a hook told them, JSON; `nil` when no hook did, or it is not certain which.
    public var input: [UInt8]?
    public var toolUse: String?
    /// Which outside messages the turn had taken in before it asked, in words.
    public var outside: String
    /// Wall clock, milliseconds.
    public var asked: Int64
    public var state: State
    /// Who allowed it first, where it takes two people.
    public var first: String?
    /// An address `source:id`, `grant`, or `router`.
    public var decider: String?
    /// Wall clock, milliseconds.
    public var ended: Int64?
    /// Why it ended, a bounded code.
    public var reason: String?
    /// The verdict is on Claude Code's stdin, or none is owed.
    public var isWritten: Bool
    public var renewals: Int64
    /// When it is renewed, escalated or denied; wall clock, milliseconds.
    public var due: Int64

    public init(
        id: Int64, session: SessionID, incarnation: Int64, request: String, code: String, tool: String, about: String,
        preview: String, input: [UInt8]? = nil, toolUse: String? = nil, outside: String = "", asked: Int64,
        state: State = .open, first: String? = nil, decider: String? = nil, ended: Int64? = nil,
        reason: String? = nil, isWritten: Bool = false, renewals: Int64 = 0, due: Int64
    ) {
        self.id = id
        self.session = session
        self.incarnation = incarnation
        self.request = request
        self.code = code
        self.tool = tool
        self.about = about
        self.preview = preview
        self.input = input
        self.toolUse = toolUse
        self.outside = outside
        self.asked = asked
        self.state = state
        self.first = first
        self.decider = decider
        self.ended = ended
        self.reason = reason
        self.isWritten = isWritten
        self.renewals = renewals
        self.due = due
    }

    public var isOpen: Bool { state == .open }
}

/// One message of ours that shows a prompt.
public struct CardRecord: Hashable, Sendable {
    /// A storage contract.
    public enum Role: Int64, Sendable {
        /// It can be answered here.
        case asks = 0
        /// Whoever wrote here waits for the answer.
        case waits = 1
    }

    public var prompt: Int64
    /// Unique in its prompt.
    public var number: Int64
    public var role: Role
    public var place: Place
    /// The approver whom the conversation belongs to; `nil` in a group.
    public var address: String?
    /// What a press of its buttons must carry: nobody who did not see it knows it.
    public var nonce: String
    /// The platform's ids of the messages that had its buttons, the newest last.
    public var messages: [String]
    /// The revision that was put into the outbox last, and the one whose outcome is known.
    public var said: Int64
    public var settled: Int64
    /// The revision that it should show.
    public var wanted: Int64

    public init(
        prompt: Int64, number: Int64, role: Role, place: Place, address: String?, nonce: String,
        messages: [String] = [], said: Int64 = 0, settled: Int64 = 0, wanted: Int64 = 1
    ) {
        self.prompt = prompt
        self.number = number
        self.role = role
        self.place = place
        self.address = address
        self.nonce = nonce
        self.messages = messages
        self.said = said
        self.settled = settled
        self.wanted = wanted
    }
}

/// Standing leave: counted, expiring, revocable.
public struct GrantRecord: Hashable, Sendable {
    public var id: Int64
    public var session: SessionID
    public var tool: String
    public var pattern: String
    /// An approver's address, or `operator`.
    public var giver: String
    /// Wall clock, milliseconds.
    public var created: Int64
    public var expires: Int64
    public var count: Int64
    public var used: Int64
    public var isRevoked: Bool

    public init(
        id: Int64, session: SessionID, tool: String, pattern: String, giver: String, created: Int64, expires: Int64,
        count: Int64, used: Int64 = 0, isRevoked: Bool = false
    ) {
        self.id = id
        self.session = session
        self.tool = tool
        self.pattern = pattern
        self.giver = giver
        self.created = created
        self.expires = expires
        self.count = count
        self.used = used
        self.isRevoked = isRevoked
    }
}

/// What the permission relay begins from.
public struct StoredPermissions: Sendable {
    /// Those that are open or whose verdict is not written, and the newest of the others.
    public var prompts: [PromptRecord] = []
    public var cards: [CardRecord] = []
    /// Those that may still be used.
    public var grants: [GrantRecord] = []
    public var lastPrompt: Int64 = 0
    public var lastGrant: Int64 = 0

    /// Nothing was ever asked.
    public init() {}

    /// Prompts that are over and remembered, so that a late tap hears what became of it.
    public static let rememberedPrompts: Int64 = 200
    /// Rows that are kept; older ones are only in the audit.
    static let keptPrompts: Int64 = 10_000
}

/// A message that a turn took in, as the store knows it.
public struct TakenIn: Hashable, Sendable {
    public var source: SourceID
    public var place: Place
    public var sender: String
    /// Wall clock, milliseconds.
    public var time: Int64
}
