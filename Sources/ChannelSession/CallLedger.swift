import JSON
import ModelContextProtocol

/// The tool calls that wait for the router.
struct CallLedger {
    struct OpenCall {
        /// The requests that wait for it: more than one when the client asks again while it is under way.
        var requests: [RequestID]
        var tool: String
        /// For a reply, where it goes.
        var chat: String?
        /// Files are open for it.
        var hasFiles: Bool
        var begun: Int64
        /// The tool itself may take so long, in milliseconds.
        var wait: Int64
        var nextProgress: Int64?

        /// It does something that must not be done twice: it is kept for a router that is away.
        var acts: Bool { ["reply", "react", "edit_message", "ask", "notify"].contains(tool) }
    }

    /// How long a call waits for a router that is away, in milliseconds: less than the 60 s after which clients give up.
    static let patience: Int64 = 55_000
    private static let firstProgress: Int64 = 1_000
    private static let progressInterval: Int64 = 10_000
    /// Replies that were given up on here and may still be answered; past it the oldest is forgotten.
    private static let keptLimit = 64
    /// Notes that wait for a tool result to go with; past it the oldest is dropped.
    private static let noticeLimit = 8

    private(set) var open: [String: OpenCall] = [:]
    private var ids: [RequestID: String] = [:]
    private var made: UInt64 = 0
    private var kept: [(id: String, tool: String, chat: String)] = []
    private var notices: [String] = []

    /// The key of a call: the client's own for the use of the tool, so that the same use is one call, else one that is
    /// unique in this process.
    mutating func key(_ call: ToolCall, instance: String) -> String {
        if let use = call.meta["claudecode/toolUseId"]?.stringValue, (1...128).contains(use.utf8.count) { return use }
        made += 1
        return "\(instance)-\(made)"
    }

    /// - Returns: whether it has to be sent; not when the same call is under way.
    mutating func begin(_ key: String, _ call: ToolCall, now: Int64) -> Bool {
        ids[call.id] = key
        if open[key] != nil {
            open[key]?.requests.append(call.id)
            return false
        }
        let wait = (call.arguments["wait_seconds"]?.integerValue ?? 0) * 1000
        open[key] = OpenCall(
            requests: [call.id], tool: call.tool, chat: call.arguments["chat_id"]?.stringValue,
            hasFiles: !SessionCore.paths(of: call.arguments).isEmpty, begun: now, wait: wait,
            nextProgress: call.wantsProgress ? now + Self.firstProgress : nil)
        return true
    }

    /// The client no longer waits. The router may still carry the call out.
    mutating func forget(_ request: RequestID) {
        guard let key = ids.removeValue(forKey: request) else { return }
        open[key]?.requests.removeAll { $0 == request }
        if open[key]?.requests.isEmpty == true { open[key] = nil }
    }

    mutating func end(_ key: String) -> OpenCall? {
        guard let call = open.removeValue(forKey: key) else { return nil }
        for request in call.requests { ids[request] = nil }
        return call
    }

    func expired(now: Int64, isAway: Bool) -> [String] {
        open.filter { now >= due($0.value, isAway) }.map(\.key).sorted()
    }

    private func due(_ call: OpenCall, _ isAway: Bool) -> Int64 {
        call.begun + Self.patience + (isAway ? 0 : call.wait)
    }

    /// The requests to give a sign of life for.
    mutating func takeProgress(now: Int64) -> [RequestID] {
        var requests: [RequestID] = []
        for (key, call) in open {
            guard let next = call.nextProgress, next <= now else { continue }
            open[key]?.nextProgress = now + Self.progressInterval
            requests += call.requests
        }
        return requests
    }

    func nextDue(isAway: Bool) -> Int64? {
        open.values.map { call in
            min(due(call, isAway), isAway ? call.nextProgress ?? .max : .max)
        }.min()
    }

    // MARK: What is told later

    mutating func keep(_ key: String, tool: String, chat: String) {
        if kept.count == Self.keptLimit { kept.removeFirst() }
        kept.append((key, tool, chat))
    }

    mutating func takeKept(_ key: String) -> (tool: String, chat: String)? {
        guard let index = kept.firstIndex(where: { $0.id == key }) else { return nil }
        let item = kept.remove(at: index)
        return (item.tool, item.chat)
    }

    mutating func note(_ text: String) {
        if notices.count == Self.noticeLimit { notices.removeFirst() }
        notices.append(text)
    }

    mutating func takeNotices() -> [String] {
        defer { notices = [] }
        return notices
    }
}
