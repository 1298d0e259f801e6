import AdapterKit
import AsyncHTTPClient
import NIOCore
import NIOHTTP1
import NIOSSL

/// `switchboard send --route ci --file payload.json --sign`: the running webhook is given what a sender would post.
extension Webhook {
    private static let answerLimit = 65_536

    static func deliver(
        _ sample: PlatformSample, settings: JSONValue, places: Places, secrets: SecretResolver
    ) async throws(AdapterFailure) -> SampleAnswer {
        let parsed = try WebhookSettings(settings, secrets: secrets, section: description.kind)
        guard let name = HookName(sample.route), parsed.routes == nil || parsed.routes?[name] != nil else {
            throw failure("route", "there is no route \(sample.route.prefix(80))", "name one of the configuration")
        }
        guard parsed.listen.port != 0 else {
            throw failure("listen", "listen leaves the port to the system", "give it a port to try routes out")
        }
        var headers = HTTPHeaders()
        for header in try proof(of: sample, parsed.routes?[name]) {
            headers.add(name: header.name, value: header.value)
        }
        do {
            _ = try JSONValue(parsing: sample.body)
            headers.add(name: "Content-Type", value: "application/json")
        } catch {
            headers.add(name: "Content-Type", value: "text/plain; charset=utf-8")
        }
        return try await post(sample.body, headers, to: name, parsed)
    }

    private static func proof(of sample: PlatformSample, _ route: HookRoute?) throws(AdapterFailure) -> [(
        name: String, value: String
    )] {
        guard sample.isSigned else { return [] }
        guard let proof = route?.proof else {
            guard let token = route?.bearers.first else {
                throw failure("secret", "this route has no secret to sign with", "leave --sign out")
            }
            return [("Authorization", "Bearer \(token)")]
        }
        do throws(HookProof.Unsignable) {
            return try proof.headers(
                signing: sample.body, now: SystemClock.milliseconds / 1000,
                id: "msg_" + RandomBytes.hexadecimal(count: 12))
        } catch {
            throw failure("scheme", "it cannot be signed here: \(error.message)", "have the sender repeat its request")
        }
    }

    private static func post(
        _ body: [UInt8], _ headers: HTTPHeaders, to name: HookName, _ settings: WebhookSettings
    ) async throws(AdapterFailure) -> SampleAnswer {
        // An address that stands for all of them is reached by way of loopback.
        let isAny = settings.listen.bytes.allSatisfy { $0 == 0 }
        let loopback = ListenAddress(host: "127.0.0.1", port: Int(settings.listen.port)) ?? settings.listen
        let address = isAny ? loopback : settings.listen
        var request = HTTPClientRequest(
            url: "\(settings.tls == nil ? "http" : "https")://\(address)/hooks/\(name.text)")
        request.method = .POST
        request.headers = headers
        request.body = .bytes(ByteBuffer(bytes: body))
        var configuration = HTTPClient.Configuration(certificateVerification: CertificateVerification.none)
        configuration.proxy = nil
        let client = HTTPClient(eventLoopGroupProvider: .singleton, configuration: configuration)
        let outcome: Result<SampleAnswer, AdapterFailure>
        do {
            let answer = try await client.execute(request, timeout: .seconds(20))
            let text = String(buffer: try await answer.body.collect(upTo: answerLimit))
            outcome = .success(said(Int(answer.status.code), text))
        } catch {
            outcome = .failure(
                failure("listen", "nothing answers on \(address)", "start it with `switchboard up`, or see its log"))
        }
        do { try await client.shutdown() } catch {
            // The request is over; what is left of its connection ends with the process.
        }
        return try outcome.get()
    }

    private static func said(_ status: Int, _ text: String) -> SampleAnswer {
        let answer: JSONValue
        do { answer = try JSONValue(parsing: text) } catch { answer = .string(text) }
        let message = answer["event_id"]?.stringValue ?? answer["message"]?.stringValue ?? answer["status"]?.stringValue
        return SampleAnswer(
            isTaken: (200..<300).contains(status), text: "\(status) \(message ?? "")",
            detail: ["status": .integer(Int64(status)), "body": answer])
    }

    private static func failure(_ path: String, _ message: String, _ mend: String) -> AdapterFailure {
        AdapterFailure(AdapterProblem(path: path, code: "sample", message: message, mend: mend))
    }
}
