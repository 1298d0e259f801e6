import AdapterKit
import HTTPTypes
import SwitchboardTesting
import Testing

@testable import switchboard_webhook

@Suite struct HookCallbackTests {
    @Test(arguments: [
        ("https://example.org/a?b=c", "example.org", 443, true), ("http://example.org", "example.org", 80, false),
        ("https://example.org:8443/", "example.org", 8443, true),
        ("https://[2606:4700::1]:9/x", "2606:4700::1", 9, true),
        ("https://192.0.2.1", "192.0.2.1", 443, true),
    ]) func readsAddresses(_ text: String, _ host: String, _ port: Int, _ isSecure: Bool) throws {
        let url = try #require(CallbackURL(text))
        #expect(url.host == host && url.port == port && url.isSecure == isSecure)
    }

    @Test(arguments: [
        "", "ftp://a", "https://", "https://user@host/", "https://user:pass@host/", "https://a b/", "https://a\n/",
        "https://a/#f", "https://a:0/", "https://a:70000/", "https://a:x/", "https://[::1/", "https://[zz]/",
        "https://a\\b/", "//a/", "javascript:alert(1)", "https://ü.example/", "https://:1/",
        "https://a/" + String(repeating: "x", count: 3_000),
    ]) func refusesOthers(_ text: String) { #expect(CallbackURL(text) == nil) }

    @Test(arguments: [
        ("127.0.0.1", true), ("10.1.2.3", true), ("172.16.0.1", true), ("172.31.255.255", true), ("172.32.0.1", false),
        ("192.168.1.1", true), ("169.254.169.254", true), ("100.64.0.1", true), ("100.128.0.1", false),
        ("0.0.0.0", true),
        ("224.0.0.1", true), ("255.255.255.255", true), ("192.0.2.1", true), ("198.18.0.1", true), ("8.8.8.8", false),
        ("93.184.216.34", false), ("::1", true), ("::", true), ("fe80::1", true), ("fd00::1", true), ("ff02::1", true),
        ("::ffff:10.0.0.1", true), ("::ffff:8.8.8.8", false), ("::10.0.0.1", true), ("64:ff9b::a00:1", true),
        ("64:ff9b::808:808", false), ("2002:a00:1::", true), ("2002:808:808::", false), ("2001::1", true),
        ("2001:db8::1", true), ("2606:4700::1", false), ("fec0::1", true),
    ]) func knowsWhatIsPrivate(_ text: String, _ isPrivate: Bool) throws {
        let address = try #require(ListenAddress(host: text, port: 0), "\(text)")
        #expect(PrivateAddress.contains(address.bytes) == isPrivate)
    }

    /// The receiver's half of Standard Webhooks accepts what we sign, and nothing else.
    @Test func answersAreSignedAsTheStandardSays() throws {
        let secret = "whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="
        let callback = HookCallback(
            url: nil, takesRequests: true, allowsPrivate: false,
            key: try #require(HookDigits.base64(secret.dropFirst(6))))
        let body = HookCallback.body("done\n\"x\"", route: "ci", event: "ci:1", now: 1_700_000_000_000)
        let headers = callback.headers(for: body, id: "msg_1", now: 1_700_000_000)
        var fields = HTTPFields()
        for header in headers { fields[try #require(HTTPField.Name(header.name))] = header.value }
        let proof = try HookProof(scheme: .standard, secrets: [secret])
        try proof.verify(fields, body, now: 1_700_000_000)
        #expect(throws: HookProof.Failure.mismatch) {
            try proof.verify(fields, body + [0x20], now: 1_700_000_000)
        }
        #expect(try JSONValue(parsing: body)["data"]?["text"] == "done\n\"x\"")
    }

    @Test func digitsAreTheOnesThatAreRead() {
        var generator = SeededGenerator(seed: 5)
        for length in 0...70 {
            let bytes = (0..<length).map { _ in UInt8.random(in: 0...255, using: &generator) }
            #expect(HookDigits.base64(HookDigits.base64Text(bytes)) == bytes)
        }
    }

    @Test func theLadderIsFinite() {
        let sender = CallbackSender()
        var waits: [Int64] = []
        for attempt in 1...20 {
            let outcome = sender.outcome(of: .failed("x", after: nil), attempt: Int64(attempt), id: "i")
            guard case .retry(let after, _) = outcome else {
                #expect(attempt == HookCallback.ladder.count + 1)
                break
            }
            waits.append(after)
        }
        #expect(waits == HookCallback.ladder)
        // What the receiver asks for is honoured, within reason.
        guard case .retry(60_000, _) = sender.outcome(of: .failed("x", after: 60_000), attempt: 1, id: "i"),
            case .retry(3_600_000, _) = sender.outcome(of: .failed("x", after: .max), attempt: 1, id: "i")
        else {
            Issue.record("Retry-After is not honoured")
            return
        }
        #expect(sender.outcome(of: .taken, attempt: 1, id: "i") == .sent(ids: ["i"]))
    }

    @Test func aPrivateTargetIsNotCalled() async throws {
        for text in ["http://127.0.0.1:1/", "http://[::1]:1/", "http://localhost:1/"] {
            let url = try #require(CallbackURL(text))
            let outcome = await CallbackSender().post([], headers: [], to: url, allowsPrivate: false)
            guard case .refused = outcome else {
                Issue.record("\(text): \(outcome)")
                continue
            }
        }
    }
}

@Suite struct WebhookSettingsTests {
    private func problems(_ settings: JSONValue) throws -> [String] {
        let folder = try TemporaryFolder()
        let environment = [
            "S": "a-secret", "W": "whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=", "BAD": "whsec_AAEC",
        ]
        let secrets = SecretResolver(places: Places(home: folder.path), environment: environment)
        let shape = SettingShape.object(WebhookSettings.shape).problems(in: settings)
        guard shape.isEmpty else { return shape.map(\.path) }
        do throws(AdapterFailure) {
            _ = try WebhookSettings(settings, secrets: secrets, section: "webhook")
            return []
        } catch {
            return error.problems.map(\.path).sorted()
        }
    }

    @Test(
        arguments: [
            (["listen": "0.0.0.0:1", "routes": ["a": ["secret": "env:S"]]], ["listen"]),
            (["listen": "0.0.0.0:1", "routes": ["a": ["secret": "env:S"]], "proxy": ["from": ["10.0.0.2"]]], []),
            (
                [
                    "listen": "0.0.0.0:1", "routes": ["a": ["secret": "env:S"]],
                    "tls": ["certificate": "c.pem", "key": "env:S"],
                ], []
            ),
            (["listen": "0.0.0.0:1", "routes": ["a": [:]], "proxy": ["from": ["10.0.0.2"]]], ["routes.a.secret"]),
            (["listen": "0.0.0.0:1", "proxy": ["from": ["10.0.0.2"]]], ["listen"]),
            (["routes": ["a": ["scheme": "mtls"]]], ["routes.a.certificates"]),
            (["routes": ["a": ["scheme": "mtls", "certificates": ["x"]]]], ["routes.a.scheme"]),
            (
                [
                    "routes": ["a": ["scheme": "mtls", "certificates": ["x"], "header": "X-DN"]],
                    "proxy": ["from": ["127.0.0.1"], "secret": "env:S"],
                ], []
            ),
            (["routes": ["a": ["scheme": "mtls", "certificates": ["x"], "secret": "env:S"]]], ["routes.a"]),
            (["proxy": ["from": ["proxy.example"]]], ["proxy.from"]),
            (["routes": ["a": ["path": "/x"], "b": ["path": "/x"]]], ["routes.b.path"]),
            (["routes": ["a": ["path": "/healthz"]]], ["routes.a.path"]),
            (["routes": ["a": ["path": "x"]]], ["routes.a.path"]),
            (["routes": ["a": ["path": "/hooks/b"]]], ["routes.a.path"]),
            (["routes": ["a": ["chat": "no chat"]]], ["routes.a.chat"]),
            (["routes": ["a": ["callback_url": "https://a/"]]], ["routes.a.callback_secret"]),
            (
                ["routes": ["a": ["callback_url": "https://a/", "callback_secret": "env:BAD"]]],
                ["routes.a.callback_secret"]
            ),
            (["routes": ["a": ["callback_url": "http://a/", "callback_secret": "env:W"]]], ["routes.a.callback_url"]),
            (["routes": ["a": ["callback_url": "https://a/", "callback_secret": "env:W"]]], []),
            (
                [
                    "routes": [
                        "a": [
                            "scheme": "github", "secret": "env:S", "callback_requests": true,
                            "callback_secret": "env:W",
                        ]
                    ]
                ],
                ["routes.a.callback_requests"]
            ),
        ] as [(JSONValue, [String])]) func whatIsWrongIsNamed(_ settings: JSONValue, _ paths: [String]) throws
    {
        #expect(try problems(settings).filter { !$0.isEmpty } == paths, "\(settings.text)")
    }
}
