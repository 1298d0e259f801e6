import BusProtocol
import JSON
import Logging
import MessageBus
import ModelContextProtocol

/// Claude Code's permission prompts, out to the router, and their verdicts back. A verdict goes to the output at once,
/// before every delivery that waits for room there.
extension SessionCore {
    static let permissionRequest = "notifications/claude/channel/permission_request"
    private static let permission = "notifications/claude/channel/permission"

    /// A notification of Claude Code.
    mutating func hear(_ method: String, _ parameters: JSONObject) {
        guard method == Self.permissionRequest else { return }
        guard let request = parameters["request_id"]?.stringValue, (1...64).contains(request.utf8.count),
            let tool = parameters["tool_name"]?.stringValue, (1...512).contains(tool.utf8.count)
        else { return log(.warning, "permission request without request_id or tool_name") }
        guard mayAsk else { return }
        prompts.open(request)
        emit(
            .ask(
                PermissionRequest(
                    request: request, tool: tool,
                    description: PromptLedger.bounded(parameters["description"]?.stringValue ?? ""),
                    preview: PromptLedger.bounded(parameters["input_preview"]?.stringValue ?? ""))))
    }

    /// What is asked while the router is away is kept for it: a prompt waits for minutes.
    private var mayAsk: Bool {
        switch link {
        case .opening, .up, .lost: return true
        case .unopened, .refused, .unusable: return false
        }
    }

    /// The bus did not take it: whoever sits at the terminal answers.
    mutating func askRefused(_ request: String, _ error: BusError) {
        prompts.forget(request)
        log(.warning, "permission request not relayed", ["request": "\(request)", "code": "\(error.code.rawValue)"])
    }

    /// VERDICT. Written once for each time it was asked; the router says it again until it hears that it was.
    mutating func write(_ verdict: Verdict) {
        switch prompts.take(verdict.request) {
        case .stranger:
            // Another process asked, or nobody. It is dealt with, and nothing is written for it.
            log(.warning, "verdict for a prompt that is not open here", ["request": "\(verdict.request)"])
            report([verdict.request])
        case .written: report([verdict.request])
        case .underWay: break
        case .open:
            let line = OutgoingMessage.notification(Self.permission) { writer in
                writer.beginObject()
                writer.member("request_id", verdict.request)
                writer.member("behavior", verdict.allow ? "allow" : "deny")
                writer.endObject()
            }
            prompts.queued(verdict.request, number: lines.nextNumber)
            emit(lines: line)
        }
    }

    /// These verdicts are in Claude Code's pipe.
    mutating func report(_ requests: [String]) {
        guard !requests.isEmpty else { return }
        emit(.receipt(Receipt(verdicts: requests)))
    }
}

/// The prompts of this process, by Claude Code's name for them: a verdict is written for a prompt that is open here, once.
struct PromptLedger {
    enum Standing {
        case stranger, open, underWay, written
    }

    /// Prompts that are remembered; past it the oldest is forgotten, which only the terminal can then answer.
    static let limit = 256
    /// Characters of a text that is passed on; Claude Code itself cuts at 3,500.
    static let textLimit = 20_000

    private var standings: [String: Standing] = [:]
    private var order: [String] = []
    private var queue: [(number: UInt64, request: String)] = []

    mutating func open(_ request: String) {
        forget(request)
        standings[request] = .open
        order.append(request)
        if order.count > Self.limit { forget(order[0]) }
    }

    mutating func forget(_ request: String) {
        guard standings.removeValue(forKey: request) != nil else { return }
        order.removeAll { $0 == request }
    }

    func take(_ request: String) -> Standing { standings[request] ?? .stranger }

    mutating func queued(_ request: String, number: UInt64) {
        standings[request] = .underWay
        queue.append((number, request))
    }

    /// - Returns: the requests whose verdicts are in the pipe now and were not before.
    mutating func written(_ number: UInt64) -> [String] {
        guard !queue.isEmpty else { return [] }
        let done = queue.prefix { $0.number <= number }.map(\.request)
        queue.removeFirst(done.count)
        for request in done where standings[request] == .underWay { standings[request] = .written }
        return done
    }

    /// A longer text is cut, and says by how much.
    static func bounded(_ text: String) -> String {
        let excess = text.count - textLimit
        return excess <= 0 ? text : text.prefix(textLimit) + "⋯ \(excess) more characters ⋯"
    }
}
