import AdapterKit
import HTTPTypes
import HummingbirdCore
import NIOCore

/// Routes whose requests prove themselves by what they carry.
extension HookResponder {
    /// Reads the body, verifies it, and only then looks into it.
    func receiveSigned(
        _ request: Request, _ parts: inout RequestBody.AsyncIterator, _ route: HookRoute, _ channel: any Channel,
        _ writer: borrowing ResponseWriter
    ) async throws -> HookAnswer {
        guard let proof = route.proof else { return .unauthorized }
        if let length = request.headers[.contentLength].flatMap({ Int($0) }), length > route.limit { return .oversize }
        if request.headers[.expect]?.lowercased() == "100-continue" {
            try await writer.writeInformationalHead(HTTPResponse(status: .continue))
        }
        guard let bytes = try await collect(&parts, channel, route.limit) else { return .oversize }
        do throws(HookProof.Failure) {
            try proof.verify(request.headers, bytes, now: SystemClock.milliseconds / 1000)
        } catch {
            connection.log.notice(
                "request refused", metadata: ["route": "\(route.name.text)", "code": "\(error.rawValue)"])
            return .unsigned
        }
        let reading: HookReading
        do throws(HookBody.Unusable) {
            reading = try HookReading.read(route, request.headers, bytes)
        } catch {
            return .refusal(HTTPResponse.Status(code: error.status), error.code, error.message, ends: false)
        }
        switch reading {
        case .handshake(let answer): return answer
        case .quiet: return HookAnswer(status: .ok, body: ["status": "ignored"])
        case .notice(let notice):
            let head = notice.head(
                route.name, sender: "secret:\(route.name.text)", .secret, now: SystemClock.milliseconds)
            return await publish([Event(head: head, body: notice.body)])
        }
    }

    /// CloudEvents of a caller that the gate admitted; `nil` for any other request.
    func publishCloudEvents(
        _ request: Request, _ bytes: [UInt8], _ name: HookName, _ sender: String, _ authentication: Authentication
    ) async -> HookAnswer? {
        let events: [HookCloudEvent]?
        do throws(HookBody.Unusable) {
            events = try HookReading.cloudEvents(request.headers, bytes)
        } catch {
            return .refusal(HTTPResponse.Status(code: error.status), error.code, error.message, ends: false)
        }
        guard let events else { return nil }
        guard !events.isEmpty else { return HookAnswer(status: .ok, body: ["status": "ignored"]) }
        let now = SystemClock.milliseconds
        return await publish(
            events.map { event in
                var notice = HookNotice(event.summary, original: event.envelope)
                if notice.body.json.count > BusLimits.payloadBytes { notice.body.original = nil }
                return Event(head: notice.head(name, sender: sender, authentication, now: now), body: notice.body)
            })
    }
}

extension HookNotice {
    /// What Alertmanager and Grafana send, told as an alert; `nil` for any other body.
    init?(alertIn raw: [UInt8], as form: HookBody.Form) {
        guard form == .json else { return nil }
        do throws(HookBody.Unusable) {
            guard let json = try HookBody.read(raw, as: form).original, let summary = HookSummary.alerts(json) else {
                return nil
            }
            self.init(summary, original: json)
            if body.json.count > BusLimits.payloadBytes { body.original = nil }
        } catch {
            return nil  // the caller is told by the reading that follows
        }
    }
}
