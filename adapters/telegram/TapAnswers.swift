import AdapterKit
import Synchronization

/// Answers taps. The platform takes one answer to each, and until it comes the button of who pressed turns a wheel: what
/// the router has to say to the tap goes out as that answer, and without a word from it in time an empty one.
final class TapAnswers: Sendable {
    /// How long the router may take. A person hardly sees it.
    static let patience = Duration.milliseconds(700)
    /// Taps that wait at once; further ones are answered empty right away.
    static let limit = 1024

    private let server: any BotAPI
    private let waiting = Mutex<[String: Task<Void, Never>]>([:])

    init(server: any BotAPI) { self.server = server }

    /// A tap came.
    func begin(_ tap: String) {
        waiting.withLock { waiting in
            let patience = waiting.count < Self.limit ? Self.patience : .zero
            guard waiting[tap] == nil else { return }
            waiting[tap] = Task {
                guard await UpdatePoller.rest(patience), take(tap) else { return }
                _ = await answer(tap, text: "", isAlert: false)
            }
        }
    }

    /// - Returns: why the answer was not taken; `nil` when it was.
    func respond(_ tap: String, text: String, isAlert: Bool) async -> String? {
        // One that nobody waits for may be of an earlier process, and still open.
        waiting.withLock { $0.removeValue(forKey: tap) }?.cancel()
        return await answer(tap, text: text, isAlert: isAlert)
    }

    func stop() {
        for task in waiting.withLock({ Array($0.values) }) { task.cancel() }
    }

    private func take(_ tap: String) -> Bool { waiting.withLock { $0.removeValue(forKey: tap) } != nil }

    private func answer(_ tap: String, text: String, isAlert: Bool) async -> String? {
        var parameters: JSONObject = ["callback_query_id": .string(tap)]
        if !text.isEmpty {
            parameters["text"] = .string(String(text.prefix(200)))
            if isAlert { parameters["show_alert"] = true }
        }
        do throws(CallFailure) {
            _ = try await server.call("answerCallbackQuery", parameters, within: 5)
            return nil
        } catch {
            return error.reason
        }
    }
}
