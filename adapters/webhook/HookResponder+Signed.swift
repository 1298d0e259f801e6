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
        do throws(HookBody.Unusable) {
            guard let bytes = try await body(request, &parts, channel, writer, limit: route.limit) else {
                return .oversize
            }
            if let refusal = refusal(request, bytes, route, proof, channel) { return refusal }
            // Only who proved himself learns that the route is paused, or what it takes.
            if let refusal = pause(of: route.name) ?? overspent(route) { return refusal }
            guard route.takes(contentType: request.headers[.contentType]) else { return .mediaType }
            let wants = try HookWants(query: request.uri.query, headers: request.headers, route: route)
            switch try HookReading.read(route, request.headers, bytes) {
            case .handshake(let answer): return answer
            case .quiet: return .ignored
            case .notice(let notice):
                let head = notice.head(
                    route.name, in: route.chat, sender: "secret:\(route.name.text)", .secret,
                    now: SystemClock.milliseconds)
                let event = Event(head: head, body: notice.body)
                let isJSON = notice.body.original != nil
                return await take([keepingOriginal(bytes, isJSON: isJSON, of: event)], wants, route.chat)
            }
        } catch {
            return HookAnswer(error)
        }
    }

    private func refusal(
        _ request: Request, _ bytes: [UInt8], _ route: HookRoute, _ proof: HookProof, _ channel: any Channel
    ) -> HookAnswer? {
        do throws(HookProof.Failure) {
            if route.scheme == .mtls {
                let peer = channel.remoteAddress.flatMap(ListenAddress.init)
                guard proxy?.vouches(request.headers, from: peer) ?? false else { throw .unvouched }
            }
            try proof.verify(request.headers, bytes, now: SystemClock.milliseconds / 1000)
            return nil
        } catch {
            connection.log.notice(
                "request refused", metadata: ["route": "\(route.name.text)", "code": "\(error.rawValue)"])
            return .unsigned
        }
    }
}
