import BusProtocol
import ChannelEvents
import JSON
import Logging
import MessageBus
import ModelContextProtocol

extension SessionCore {
    mutating func begin(_ call: ToolCall, _ now: Now) {
        if let chat = call.arguments["chat_id"]?.stringValue, Conversation(chat) == nil {
            let sentence = "chat_id is no conversation; copy it exactly from the channel tag, such as webhook:ci"
            return finish([call.id], .failure(sentence))
        }
        if let reason = finalReason { return finish([call.id], .failure(reason)) }
        let key = calls.key(call, instance: identity.instance)
        guard calls.begin(key, call, now: now.monotonic) else { return }
        let asked = Call(id: key, name: call.tool, arguments: .object(call.arguments))
        let paths = Self.paths(of: call.arguments)
        emit(paths.isEmpty ? .call(asked) : .open(asked, paths))
    }

    /// The bus did not take a call: nothing of it is kept.
    mutating func callRefused(_ key: String, _ error: BusError) {
        guard let call = calls.end(key) else { return }
        if call.hasFiles { emit(.closeFiles(key)) }
        let tail = call.acts ? " It was not kept; send it again later." : " Nothing was read; try again later."
        finish(call.requests, .failure("Switchboard takes no more calls now (\(error.code.rawValue))." + tail))
    }

    /// A file of a call may not be sent: the call is not made.
    mutating func filesRefused(_ key: String, _ sentence: String) {
        guard let call = calls.end(key) else { return }
        finish(call.requests, .failure(sentence))
    }

    mutating func answer(_ key: String, _ outcome: Answer.Outcome) {
        if answerHook(key, outcome) { return }
        if let call = calls.end(key) {
            if call.hasFiles { emit(.closeFiles(key)) }
            finish(
                call.requests, ToolAnswer.result(of: call.tool, outcome),
                gave: call.tool == "inbox" ? given(by: outcome) : [])
        } else if let (tool, chat) = calls.takeKept(key) {
            emit(.closeFiles(key))
            // The model was told that this is kept; now it can be told how it ended.
            let end = ToolAnswer.result(of: tool, outcome)
            calls.note(
                "Your earlier \(tool) to \(AttributeText.identifier(chat)): \(end.texts.joined(separator: " "))")
        }
    }

    mutating func failAllCalls() {
        guard let reason = finalReason else { return }
        for key in calls.open.keys.sorted() {
            guard let call = calls.end(key) else { continue }
            if call.hasFiles { emit(.closeFiles(key)) }
            finish(call.requests, .failure(reason))
        }
    }

    mutating func tickCalls(_ now: Now) {
        let isAway = link != .up
        for key in calls.expired(now: now.monotonic, isAway: isAway) {
            guard let call = calls.end(key) else { continue }
            if call.acts { calls.keep(key, tool: call.tool, chat: call.chat ?? "the owner") }
            finish(call.requests, .failure(awayText + " " + fate(of: call)))
        }
        guard isAway else { return }
        for request in calls.takeProgress(now: now.monotonic) {
            if let line = server.progress(request, "Waiting: \(awayText)") { emit(lines: line) }
        }
    }

    private func fate(of call: CallLedger.OpenCall) -> String {
        guard call.acts else { return "Nothing was read; try again later." }
        return "This session keeps the \(call.tool) and sends it once the router is back, as long as the session runs. "
            + "Do not send it again: that would be a second one."
    }

    /// - Parameter gave: the deliveries that stand in the result; reported as written once it is in the pipe. When nobody
    ///   waits for it any more nothing is reported, and the router gives them again.
    private mutating func finish(
        _ requests: [RequestID], _ result: ToolResult, gave deliveries: [DeliveryLedger.Written] = []
    ) {
        var result = result
        if !requests.isEmpty { result.texts += calls.takeNotices() }
        for request in requests {
            if let line = server.finish(request, result) { emit(lines: line, deliveries: deliveries) }
        }
    }

    /// The deliveries that an `inbox` gave.
    private func given(by outcome: Answer.Outcome) -> [DeliveryLedger.Written] {
        guard case .success(let value) = outcome else { return [] }
        return (value["messages"]?.arrayValue ?? []).compactMap { message in
            guard let id = message["sequence"]?.integerValue, let text = message["event_id"]?.stringValue,
                let event = EventKey(text)
            else { return nil }
            return DeliveryLedger.Written(
                id: id, fingerprint: WrittenDeliveries.fingerprint(event), event: tracesDeliveries ? text : nil)
        }
    }

    /// Why no call can ever succeed in this process.
    private var finalReason: String? {
        switch link {
        case .refused(let bye):
            return "The Switchboard router refused this session (\(bye.code)): \(bye.message). "
                + "Nothing was sent. After mending it, reconnect the switchboard server with /mcp."
        case .unusable(let reason):
            return "Switchboard's bus cannot be used from here: \(reason). Nothing was sent. "
                + "After mending it, reconnect the switchboard server with /mcp."
        case .unopened, .opening, .up, .lost: return nil
        }
    }

    private var awayText: String {
        switch link {
        case .lost(let since), .opening(let since):
            let away = "the Switchboard router is away since \(Timestamp.text(milliseconds: since))"
            return startFailure.map {
                "\(away) and could not be started (\($0)); `switchboard up` in a terminal says more."
            }
                ?? "\(away)."
        case .up: return "The Switchboard router did not answer in time."
        case .unopened, .refused, .unusable: return finalReason ?? ""
        }
    }
}
