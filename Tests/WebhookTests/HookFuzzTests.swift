import AdapterKit
import HTTPTypes
import SwitchboardTesting
import Testing

@testable import switchboard_webhook

/// Whatever comes in from outside: refused or taken, never a crash, and nothing longer than it may be.
@Suite struct HookFuzzTests {
    private static let headers = [
        "webhook-id", "webhook-timestamp", "webhook-signature", "X-Hub-Signature-256", "X-Gitlab-Token",
        "Stripe-Signature", "X-Slack-Signature", "X-Slack-Request-Timestamp", "Sentry-Hook-Signature",
        "Linear-Signature", "X-PagerDuty-Signature", "X-Grafana-Alerting-Signature", "X-Signature-Ed25519",
        "X-Signature-Timestamp", "X-Signature", "X-Client-Cert-Fingerprint", "Content-Type", "ce-specversion", "ce-id",
        "ce-source", "ce-type", "ce-subject", "Callback-Url", "X-GitHub-Event",
    ]
    private static let values = [
        "", "1700000000", "-1", "9999999999999999999", "v1,", "v1,AAAA", "v1a,AAAA", "v1=", "v1=00,v1=", "t=1,v1=00",
        "t=,v1", "sha256=", "sha256=zz", "v0=00", "00", "application/json", "application/cloudevents+json",
        "application/cloudevents-batch+json", "text/plain; charset=latin1", "1.0", "%ff%fe", "\"%41\\\"", "https://a/",
        "=,=,=", ";;;", "\u{7F}", String(repeating: "a", count: 3_000),
    ]
    private static let seeds = [
        #"{"groupKey":"g","status":"firing","alerts":[{"labels":{"instance":"a"}}],"webhookTimestamp":1}"#,
        #"{"specversion":"1.0","id":"1","source":"/a","type":"t","data":{}}"#, #"payload=%7B%22a%22%3A1%7D"#, "[]", "",
        "{",
        #"{"type":"url_verification","challenge":"x"}"#, #"{"a":{"b":[1,2,{"c":null}]},"action":"opened","id":"7"}"#,
    ]

    private static let secrets: [HookScheme: String] = [
        .standard: "whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=",
        .discord: "03a107bff3ce10be1d70dd18e74bc09967e4d6309ba50d5f1ddc8664125531b8",
    ]

    private static func bytes(_ generator: inout SeededGenerator) -> [UInt8] {
        var bytes = Array((seeds.randomElement(using: &generator) ?? "").utf8)
        for _ in 0..<Int.random(in: 0...8, using: &generator) where !bytes.isEmpty {
            let index = Int.random(in: bytes.indices, using: &generator)
            switch Int.random(in: 0..<4, using: &generator) {
            case 0: bytes[index] = UInt8.random(in: 0...255, using: &generator)
            case 1: bytes.remove(at: index)
            case 2: bytes.insert(UInt8(ascii: "{"), at: index)
            default: bytes.insert(contentsOf: bytes[index...].prefix(20), at: index)
            }
        }
        return bytes
    }

    private static func fields(_ generator: inout SeededGenerator) throws -> HTTPFields {
        var fields = HTTPFields()
        for _ in 0..<Int.random(in: 0...8, using: &generator) {
            let name = try #require(HTTPField.Name(headers.randomElement(using: &generator) ?? "x"))
            fields[name] = values.randomElement(using: &generator)
        }
        return fields
    }

    @Test(arguments: HookScheme.allCases.filter { $0 != .bearer }) func anyRequestIsJudged(_ scheme: HookScheme) throws
    {
        var generator = SeededGenerator(seed: 17)
        let proof = try HookProof(scheme: scheme, secrets: [Self.secrets[scheme] ?? "secret"])
        for _ in 0..<3_000 {
            let fields = try Self.fields(&generator)
            let raw = Self.bytes(&generator)
            #expect(throws: HookProof.Failure.self) { try proof.verify(fields, raw, now: 1_700_000_000) }
        }
    }

    @Test func anyVerifiedBodyIsReadOrRefused() throws {
        var generator = SeededGenerator(seed: 19)
        var problems: [AdapterProblem] = []
        let rule = HookRule(
            [
                "template": "{{action}} {{#a}}{{b.0}}{{/a}} {{x}}", "values": ["x": "$.a.b[2].c"], "dedup": ["id"],
                "alert": ["fingerprint": ["id"], "resolved": ["path": "action", "is": "closed"]],
            ], path: "r", problems: &problems)
        #expect(problems.isEmpty)
        let name = try #require(HookName("ci"))
        for scheme in HookScheme.allCases {
            var route = HookRoute(
                name: name, scheme: scheme, proof: nil, limit: HookBody.limit, tellsQuiet: true)
            for round in 0..<1_500 {
                route.rule = round.isMultiple(of: 2) ? rule : HookRule()
                let fields = try Self.fields(&generator)
                let raw = Self.bytes(&generator)
                do throws(HookBody.Unusable) {
                    if case .notice(let notice) = try HookReading.read(route, fields, raw) {
                        let head = notice.head(name, in: name, sender: "s", .secret, now: 0)
                        #expect(head.invalidMember == nil)
                        #expect(notice.body.json.count <= BusLimits.payloadBytes)
                    }
                    _ = try HookReading.open(
                        raw, as: round.isMultiple(of: 3) ? .text : .json, identity: "i", isNamed: false, route)
                    _ = try HookReading.cloudEvents(fields, raw, route)
                    _ = try HookWants(query: "wait=\(round)", headers: fields, route: route)
                } catch {
                    #expect((400..<500).contains(error.status))
                }
            }
        }
    }
}
