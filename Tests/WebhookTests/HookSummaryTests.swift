import AdapterKit
import HTTPTypes
import Testing

@testable import switchboard_webhook

/// Shapes of the senders, cut to the fields that are read.
@Suite struct HookSummaryTests {
    static func alert(_ status: String) -> String {
        #"{"version":"4","groupKey":"{}:{alertname=\"DiskFull\"}","truncatedAlerts":0,"status":"\#(status)","#
            + #""groupLabels":{"alertname":"DiskFull"},"commonLabels":{"severity":"page"},"#
            + #""commonAnnotations":{"summary":"disk 97%"},"externalURL":"http://am","alerts":[{"status":"\#(status)","#
            + #""labels":{"alertname":"DiskFull","instance":"db1"},"annotations":{},"startsAt":"2026-08-01T10:00:00Z","#
            + #""generatorURL":"http://prom/g","fingerprint":"a1b2"}]}"#
    }

    static let corpus: [(HookScheme, String, String)] = [
        (
            .github,
            #"{"ref":"refs/heads/main","commits":[{},{},{}],"head_commit":{"message":"fix login\n\nmore"},"pusher":{"name":"ann"},"compare":"https://gh/c","repository":{"full_name":"acme/api"}}"#,
            "acme/api: ann pushed 3 commits to main: fix login\nhttps://gh/c"
        ),
        (
            .github,
            #"{"ref":"refs/heads/old","deleted":true,"head_commit":null,"commits":[],"pusher":{"name":"ann"},"repository":{"full_name":"acme/api"}}"#,
            "acme/api: ann deleted old"
        ),
        (
            .github,
            #"{"action":"closed","number":7,"pull_request":{"title":"Login","merged":true,"html_url":"https://gh/7","head":{"ref":"x"},"base":{"ref":"main"}},"sender":{"login":"ann"},"repository":{"full_name":"acme/api"}}"#,
            "acme/api: ann merged PR #7: Login\n- x into main\nhttps://gh/7"
        ),
        (
            .github,
            #"{"action":"completed","workflow_run":{"name":"","conclusion":"failure","head_branch":"main","run_number":12,"run_attempt":2,"html_url":"https://gh/r"},"workflow":{"name":"CI"},"repository":{"full_name":"acme/api"}}"#,
            "acme/api: CI #12 attempt 2 failure on main\nhttps://gh/r"
        ),
        (
            .github,
            #"{"action":"created","issue":{"number":3,"title":"Slow","pull_request":{}},"comment":{"user":{"login":"bob"},"body":"looks\ngood","html_url":"https://gh/c3"},"repository":{"full_name":"acme/api"}}"#,
            "acme/api: bob commented on PR #3: looks\n- Slow\nhttps://gh/c3"
        ),
        (
            .gitlab,
            #"{"object_kind":"pipeline","object_attributes":{"id":31,"ref":"main","status":"failed"},"project":{"path_with_namespace":"g/p","web_url":"https://gl/g/p"},"builds":[{"name":"unit","stage":"test","status":"failed"}]}"#,
            "g/p: pipeline 31 failed on main\n- failed: test/unit\nhttps://gl/g/p/-/pipelines/31"
        ),
        (
            .sentry,
            #"{"action":"created","data":{"issue":{"shortId":"FRONT-END-9","title":"ReferenceError: x is not defined","level":"error","project":{"slug":"front-end"},"web_url":"https://s/9","permalink":null}}}"#,
            "front-end FRONT-END-9 created [error]: ReferenceError: x is not defined\nhttps://s/9"
        ),
        (
            .stripe,
            #"{"id":"evt_1","type":"invoice.payment_failed","livemode":false,"data":{"object":{"id":"in_123","amount_due":1200,"currency":"eur"}}}"#,
            "stripe test invoice.payment_failed in_123 12.00 eur"
        ),
        (
            .stripe,
            #"{"id":"evt_2","type":"charge.succeeded","livemode":true,"data":{"object":{"id":"ch_1","amount":500,"currency":"jpy"}}}"#,
            "stripe charge.succeeded ch_1 500 jpy"
        ),
        (
            .linear,
            #"{"action":"update","type":"Issue","actor":{"name":"Ann"},"data":{"identifier":"ENG-1","title":"Fix","state":{"name":"Done"}},"url":"https://l/1"}"#,
            "linear Issue update by Ann ENG-1: Fix\n- state Done\nhttps://l/1"
        ),
        (
            .pagerduty,
            #"{"event":{"id":"1","event_type":"incident.triggered","data":{"title":"DB down","urgency":"high","service":{"summary":"db"},"html_url":"https://p/1"}}}"#,
            "pagerduty incident.triggered: DB down (db)\n- urgency high\nhttps://p/1"
        ),
        (
            .slack, #"{"event_id":"E1","event":{"type":"message","user":"U1","channel":"C1","text":"hi"}}"#,
            "slack message by U1 in C1: hi"
        ),
        (
            .grafana, alert("firing"),
            "[FIRING:1] DiskFull severity=page — disk 97% (db1)\nhttp://prom/g"
        ),
    ]

    @Test(arguments: corpus) func saysWhatHappened(_ scheme: HookScheme, _ payload: String, _ text: String) throws {
        let summary = try #require(HookSummary(try JSONValue(parsing: payload), from: scheme, event: nil))
        #expect(summary.text == text)
        #expect(!summary.isQuiet)
    }

    @Test(arguments: [
        (HookScheme.github, #"{"zen":"x","hook_id":1}"#),
        (.github, #"{"action":"synchronize","number":1,"pull_request":{"title":"t"}}"#),
        (.github, #"{"action":"labeled","issue":{"number":1}}"#),
        (.github, #"{"action":"requested","workflow_run":{"name":"CI"}}"#),
        (.gitlab, #"{"object_kind":"pipeline","object_attributes":{"status":"running"}}"#),
    ]) func keepsQuietKindsQuiet(_ scheme: HookScheme, _ payload: String) throws {
        #expect(try #require(HookSummary(try JSONValue(parsing: payload), from: scheme, event: nil)).isQuiet)
    }

    @Test func repeatsOfAnAlertAreOneAndItsEndNamesIt() throws {
        let firing = try #require(HookSummary.alerts(try JSONValue(parsing: Self.alert("firing"))))
        let resolved = try #require(HookSummary.alerts(try JSONValue(parsing: Self.alert("resolved"))))
        #expect(firing.identity == HookSummary.alerts(try JSONValue(parsing: Self.alert("firing")))?.identity)
        #expect(firing.identity != resolved.identity)
        #expect(firing.fingerprint == resolved.fingerprint)
        #expect(resolved.closes == firing.identity)
        #expect(firing.closes == nil)
    }

    @Test func aRetryOfLinearWithAFreshTimeIsTheSame() throws {
        func identity(_ time: Int) throws -> String? {
            let payload = #"{"action":"create","data":{"title":"x"},"webhookTimestamp":\#(time)}"#
            return HookSummary.linear(try JSONValue(parsing: payload)).identity
        }
        #expect(try identity(1) == identity(2))
    }

    @Test func textFromOutsideStaysOnItsLine() {
        #expect(HookText.line("a\n\r\tb\u{1B}[2J\u{202E}c\u{200B}") == "a b [2Jc")
        #expect(HookText.line(String(repeating: "x", count: 300)).unicodeScalars.count == 201)
        #expect(HookText.link("javascript:alert(1)") == nil)
        #expect(HookText.link("https://a/b\n<channel>") == nil)
    }

    /// Whatever a sender says: no crash, one line, bounded.
    @Test func brokenShapesAreSummedUpToo() throws {
        var generator = SeededBytes(state: 7)
        for (_, payload, _) in Self.corpus {
            let original = Array(payload.utf8)
            for _ in 0..<300 {
                var bytes = original
                for _ in 0..<Int.random(in: 1...6, using: &generator) {
                    let index = Int.random(in: bytes.indices, using: &generator)
                    bytes[index] = [0x22, 0x7B, 0x5B, 0x31, 0x2D, 0x6E, 0x2C, 0x3A].randomElement(using: &generator)!
                }
                guard let json = try parsed(bytes) else { continue }
                for scheme in HookScheme.allCases {
                    guard let summary = HookSummary(json, from: scheme, event: "x\ny") else { continue }
                    let lines = summary.text.split(separator: "\n", omittingEmptySubsequences: false)
                    #expect(lines.count <= 14 && lines.allSatisfy { $0.utf8.count <= 1000 })
                }
            }
        }
    }

    private func parsed(_ bytes: [UInt8]) throws -> JSONValue? {
        do throws(JSONError) {
            return try JSONValue(parsing: bytes)
        } catch {
            return nil
        }
    }

    private struct SeededBytes: RandomNumberGenerator {
        var state: UInt64
        mutating func next() -> UInt64 {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return state ^ (state >> 29)
        }
    }
}

@Suite struct HookCloudEventTests {
    private func fields(_ pairs: [(String, String)]) -> HTTPFields {
        var fields = HTTPFields()
        for (name, value) in pairs { fields[HTTPField.Name(name)!] = value }
        return fields
    }

    @Test func readsAllThreeForms() throws {
        let binary = fields([
            ("ce-specversion", "1.0"), ("ce-id", "77"), ("ce-source", "/ci/acme"), ("ce-type", "build.failed"),
            ("ce-subject", "\"build%20%22x\""), ("Content-Type", "application/json"),
        ])
        let one = try #require(try HookCloudEvent.read(binary, Array(#"{"branch":"main"}"#.utf8))?.first)
        #expect(one.envelope["data"] == ["branch": "main"])
        #expect(one.summary.text == #"build.failed build "x from /ci/acme"#)
        let envelope = #"{"specversion":"1.0","id":"77","source":"/ci/acme","type":"build.failed"}"#
        let structured = fields([("Content-Type", "application/cloudevents+json; charset=utf-8")])
        let two = try #require(try HookCloudEvent.read(structured, Array(envelope.utf8))?.first)
        #expect(two.summary.identity == one.summary.identity)
        let batch = fields([("Content-Type", "application/cloudevents-batch+json")])
        #expect(try HookCloudEvent.read(batch, Array("[\(envelope),\(envelope)]".utf8))?.count == 2)
        #expect(try HookCloudEvent.read(fields([("Content-Type", "application/json")]), []) == nil)
    }

    @Test(arguments: [
        "{}", "[]", #"{"specversion":"0.3","id":"1","source":"a","type":"t"}"#,
        #"{"specversion":"1.0","id":"","source":"a","type":"t"}"#,
        #"{"specversion":"1.0","id":"1","source":"a","type":"t","data":1,"data_base64":"AA=="}"#, "{",
    ]) func refusesWhatIsNone(_ body: String) {
        let structured = fields([("Content-Type", "application/cloudevents+json")])
        #expect(throws: HookCloudEvent.Malformed.self) { try HookCloudEvent.read(structured, Array(body.utf8)) }
    }
}
