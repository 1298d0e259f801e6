import AdapterKit
import Synchronization

@testable import switchboard_telegram

/// Answers calls as a test says, and remembers them.
final class StandInServer: BotAPI {
    struct Call: Hashable, Sendable {
        var method: String
        var parameters: JSONObject
    }

    typealias Answer = @Sendable (Call) -> Result<JSONValue, CallFailure>

    private let state: Mutex<(calls: [Call], answer: Answer)>

    init(_ answer: @escaping Answer = { _ in .success(["message_id": 1]) }) { state = Mutex(([], answer)) }

    var calls: [Call] { state.withLock { $0.calls } }

    func call(_ method: String, _ parameters: JSONObject, within seconds: Int64) async throws(CallFailure) -> JSONValue
    {
        let call = Call(method: method, parameters: parameters)
        let answer = state.withLock { state in
            state.calls.append(call)
            return state.answer
        }
        return try answer(call).get()
    }

    func upload(_ method: String, _ form: MultipartForm, within seconds: Int64) async throws(CallFailure) -> JSONValue {
        try await call(method, [:], within: seconds)
    }
}
