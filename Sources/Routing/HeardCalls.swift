import BusProtocol
import ChannelEvents
import JSON

/// What a session's hooks told that concerns its prompts: the calls in full, and which messages the turn took in.
///
/// The `PermissionRequest` hook and the relayed prompt come within milliseconds, in either order, and share no id. They
/// belong together when tool and time fit and the abridged arguments agree with the full ones; where two calls could be
/// meant, none is.
struct HeardCalls: Sendable {
    /// A hook and its prompt are never farther apart, in milliseconds.
    static let window: Int64 = 2_000
    private static let eventLimit = 100
    private static let callLimit = 16
    /// Bytes of arguments that are remembered; past it the oldest call goes.
    private static let byteLimit = 2 << 20

    struct Call: Sendable {
        var tool: String
        var input: JSONValue
        var size: Int
        /// Uptime.
        var at: Int64
        /// Claude Code's id of the use; a `PermissionRequest` has none.
        var use: String?
    }

    /// What is known about the arguments of a prompt.
    enum Match {
        case none
        /// - certain: nothing else can have been meant, and the abridged arguments are these, to the letter.
        case found(JSONValue, certain: Bool, use: String?)
        case ambiguous
    }

    /// A hook was heard: prompts may wait a moment for theirs.
    private(set) var hasHooks = false
    /// The messages that this turn took in, oldest first.
    private(set) var events: [EventKey] = []
    /// Something was typed at the terminal before any message came in.
    private(set) var beganAtTerminal = false
    private var isTurnOver = true
    /// `PermissionRequest` hooks that no prompt has taken.
    private var requests: [Call] = []
    /// Tools that were begun and have not ended.
    private var uses: [Call] = []

    mutating func note(_ hook: HookReport, now: Moment) {
        hasHooks = true
        switch hook.name {
        case "UserPromptSubmit":
            let found = (hook.members[HookMember.events]?.arrayValue ?? []).compactMap {
                $0.stringValue.flatMap(EventKey.init)
            }
            if isTurnOver {
                events = []
                beganAtTerminal = found.isEmpty
                isTurnOver = false
            }
            for event in found where !events.contains(event) && events.count < Self.eventLimit { events.append(event) }
        case "PermissionRequest":
            if let call = call(hook, now) { Self.add(call, to: &requests) }
        case "PreToolUse":
            if let call = call(hook, now), call.use != nil { Self.add(call, to: &uses) }
        case "PostToolUse", "PostToolUseFailure":
            let use = hook.members[HookMember.toolUse]?.stringValue
            uses.removeAll { $0.use == use }
        case "Stop", "StopFailure", "SessionEnd":
            isTurnOver = true
            requests = []
            uses = []
        default: break
        }
    }

    private func call(_ hook: HookReport, _ now: Moment) -> Call? {
        guard let tool = hook.members[HookMember.tool]?.stringValue, let input = hook.members[HookMember.toolInput]
        else { return nil }
        return Call(
            tool: tool, input: input, size: input.bytes.count, at: now.uptime,
            use: hook.members[HookMember.toolUse]?.stringValue)
    }

    private static func add(_ call: Call, to calls: inout [Call]) {
        calls.append(call)
        while calls.count > callLimit || (calls.count > 1 && calls.reduce(0) { $0 + $1.size } > byteLimit) {
            calls.removeFirst()
        }
    }

    /// Looks for the call that a prompt of this time is about.
    /// - Parameter others: whether another prompt for the same tool waits for its arguments at the same time.
    func match(tool: String, preview: String, asked: Int64, others: Bool) -> Match {
        let near = requests.filter { $0.tool == tool && abs($0.at - asked) <= Self.window }
        let fitting = near.filter { InputPreview.agrees(preview, with: $0.input) }
        guard let first = fitting.first else {
            guard near.isEmpty else { return .ambiguous }
            return .none
        }
        guard fitting.allSatisfy({ $0.input == first.input }) else { return .ambiguous }
        let exact = InputPreview.isWhole(preview, of: first.input)
        // An abridged text may belong to either of two long calls that differ in what was left out.
        if !exact, near.count > 1 || others { return .ambiguous }
        return .found(first.input, certain: exact, use: use(of: tool, first.input))
    }

    /// The one use of a tool that is under way; without a `PermissionRequest` hook it shows what was asked for.
    func onlyUse(of tool: String, preview: String) -> (input: JSONValue, use: String?)? {
        let open = uses.filter { $0.tool == tool }
        guard open.count == 1, let call = open.first, InputPreview.agrees(preview, with: call.input) else { return nil }
        return (call.input, call.use)
    }

    private func use(of tool: String, _ input: JSONValue) -> String? {
        let open = uses.filter { $0.tool == tool && $0.input == input }
        return open.count == 1 ? open[0].use : nil
    }

    /// A prompt has taken the hook with these arguments.
    mutating func claim(tool: String, _ input: JSONValue) {
        guard let index = requests.firstIndex(where: { $0.tool == tool && $0.input == input }) else { return }
        requests.remove(at: index)
    }

    mutating func forgetOld(now: Moment) { requests.removeAll { now.uptime - $0.at > Self.window } }
}

/// Claude Code's abridged arguments beside the full ones: folded white space, neutralised look-alikes, counted marks where
/// the middle was left out, `[REDACTED]` where a token stood.
enum InputPreview {
    static let elision: Character = "⋯"
    static let redaction = "[REDACTED]"

    static func isAbridged(_ preview: String) -> Bool {
        preview.contains(elision) || preview.contains(redaction)
    }

    /// The same text but for white space.
    static func isWhole(_ preview: String, of input: JSONValue) -> Bool {
        let preview = Array(preview.utf8.filter { !isSpace($0) })
        return preview == input.bytes.filter { !isSpace($0) }
            || preview == Array(input.indentedText().utf8.filter { !isSpace($0) })
    }

    /// Whether all that can be compared, letters and digits, stands in the full arguments in the same order. Only a hint:
    /// it keeps two calls apart, and proves nothing.
    static func agrees(_ preview: String, with input: JSONValue) -> Bool {
        let pieces = pieces(of: preview)
        return [letters(input.text), letters(plainText(input))].contains { contains($0, pieces) }
    }

    private static func isSpace(_ byte: UInt8) -> Bool { byte == 0x20 || (0x09...0x0D).contains(byte) }

    private static func letters(_ text: some StringProtocol) -> [UInt8] {
        text.utf8.filter { byte in
            (0x30...0x39).contains(byte) || (0x41...0x5A).contains(byte) || (0x61...0x7A).contains(byte)
        }
    }

    /// What stands between the marks. A mark is the elision with its count, up to the next one or the next blank line.
    private static func pieces(of preview: String) -> [[UInt8]] {
        var pieces: [[UInt8]] = []
        for part in preview.split(separator: elision) {
            // Between two elision signs stands a count such as ` 1,204 characters `.
            let isCount = part.count < 40 && part.contains(where: \.isNumber) && part.contains("char")
            guard !isCount else { continue }
            var rest = part[...]
            while let mark = rest.firstRange(of: redaction) {
                pieces.append(letters(rest[..<mark.lowerBound]))
                rest = rest[mark.upperBound...]
            }
            pieces.append(letters(rest))
        }
        return pieces.filter { !$0.isEmpty }
    }

    private static func contains(_ text: [UInt8], _ pieces: [[UInt8]]) -> Bool {
        var rest = text[...]
        for piece in pieces {
            guard let range = rest.firstRange(of: piece) else { return false }
            rest = rest[range.upperBound...]
        }
        return true
    }

    /// All texts of the arguments, unescaped, in their order.
    private static func plainText(_ value: JSONValue) -> String {
        switch value {
        case .string(let text): return text
        case .array(let values): return values.map(plainText).joined()
        case .object(let members): return members.map { $0.key + plainText($0.value) }.joined()
        default: return value.text
        }
    }
}
