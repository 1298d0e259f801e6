import AdapterKit
import HTTPTypes
import SwitchboardTesting
import Testing

@testable import switchboard_webhook

#if canImport(Darwin)
    import Darwin
#else
    import Glibc
#endif

/// Answers to callers, steering of routes, and what stays over a restart: the real program, the scripted router.
@Suite(.serialized, .timeLimit(.minutes(2))) struct WebhookAnswerTests {
    static let callbackKey = "whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="

    private func withWebhook(
        _ settings: JSONValue, secrets: [String: String] = [:],
        _ body: (WebhookFixture, AdapterBench) async throws -> Void
    ) async throws {
        let fixture = WebhookFixture(settings: settings)
        let bench = try AdapterBench(fixture)
        try bench.router.places.prepare()
        let path = bench.router.places.secretsFile
        guard let file = fopen(path, "w") else { throw HTTPProbe.Failure(description: "cannot write \(path)") }
        for (name, value) in secrets { fputs("\(name)=\(value)\n", file) }
        fclose(file)
        chmod(path, 0o600)
        try await bench.start()
        do {
            try await body(fixture, bench)
        } catch {
            await bench.stop()
            throw error
        }
        await bench.stop()
    }

    private func say(
        _ text: String, to event: String?, _ bench: AdapterBench, key: String = "k1", attempt: Int64 = 1
    ) {
        bench.router.command(
            PlatformCommand(
                key: key, verb: "send", chat: "ci", replyTo: event, attempt: attempt,
                arguments: ["text": .string(text)]))
    }

    // MARK: Waiting

    @Test func aCallerWhoWaitsGetsTheAnswer() async throws {
        try await withWebhook(["listen": "127.0.0.1:0"]) { (fixture, bench) async throws in
            async let waiting = fixture.probe.post("/hooks/ci?wait=60", "how is it?")
            async let other = fixture.probe.post("/hooks/ci?wait=60", "and that?", headers: ["Idempotency-Key": "2"])
            let events = try await bench.router.events(2).compactMap(\.head)
            // To the one that is named, whoever waits longer.
            say("that is fine", to: "ci:key:2", bench, key: "k2")
            let second = try JSONValue(parsing: try await other.body)
            #expect(second["status"] == "answered" && second["text"] == "that is fine")
            say("green", to: nil, bench)
            let answer = try await waiting
            let json = try JSONValue(parsing: answer.body)
            #expect(answer.status == 200)
            #expect(json["status"] == "answered" && json["text"] == "green")
            let id = try #require(events.first { $0.id != "ci:key:2" }?.id)
            #expect(json["event_id"] == .string("bench:\(id)"))
            guard case .sent = try await bench.router.result("k1") else {
                Issue.record("the answer was not sent")
                return
            }
        }
    }

    @Test func whoWaitedInVainIsToldThatItIsStored() async throws {
        try await withWebhook(["listen": "127.0.0.1:0"]) { (fixture, bench) async throws in
            #expect(try await fixture.probe.post("/hooks/ci?wait=1", "x").status == 202)
            say("too late", to: nil, bench)
            guard case .retry = try await bench.router.result("k1") else {
                Issue.record("an answer went to nobody")
                return
            }
            for bad in ["0", "121", "x", "-1", ""] {
                #expect(try await fixture.probe.post("/hooks/ci?wait=\(bad)", "x").status == 400, "\(bad)")
            }
        }
    }

    // MARK: Calling back

    @Test func answersArePostedSignedAndTriedAgain() async throws {
        let receiver = try CallbackReceiver(statuses: [500, 204])
        defer { receiver.stop() }
        let settings: JSONValue = [
            "listen": "127.0.0.1:0",
            "routes": [
                "ci": [
                    "callback_url": .string("http://127.0.0.1:\(receiver.port)/answers"), "callback_private": true,
                    "callback_secret": "env:CALLBACK",
                ]
            ],
        ]
        try await withWebhook(settings, secrets: ["CALLBACK": Self.callbackKey]) { (_, bench) async throws in
            say("done", to: "ci:7", bench, key: "o1")
            guard case .retry(let after, _) = try await bench.router.result("o1") else {
                Issue.record("a failed callback was not handed back")
                return
            }
            #expect(after == 7_000)  // the receiver asked for more than the first step
            say("done", to: "ci:7", bench, key: "o1#2", attempt: 2)
            guard case .sent = try await bench.router.result("o1#2") else {
                Issue.record("the second try failed")
                return
            }
            let requests = receiver.requests.value
            #expect(requests.count == 2)
            #expect(Set(requests.compactMap { $0.headers["webhook-id"] }).count == 1)
            for request in requests {
                var fields = HTTPFields()
                for (name, value) in request.headers { HTTPField.Name(name).map { fields[$0] = value } }
                let proof = try HookProof(scheme: .standard, secrets: [Self.callbackKey])
                try proof.verify(fields, Array(request.body.utf8), now: SystemClock.milliseconds / 1000)
                let data = try JSONValue(parsing: request.body)["data"]
                #expect(data?["text"] == "done" && data?["event_id"] == "ci:7")
            }
        }
    }

    @Test func aRequestNamesItsOwnTargetAndItStaysOverARestart() async throws {
        let receiver = try CallbackReceiver(statuses: [200])
        defer { receiver.stop() }
        let settings: JSONValue = [
            "listen": "127.0.0.1:0",
            "routes": [
                "ci": ["callback_requests": true, "callback_private": true, "callback_secret": "env:CALLBACK"],
                "plain": [:],
            ],
        ]
        try await withWebhook(settings, secrets: ["CALLBACK": Self.callbackKey]) { (fixture, bench) async throws in
            let named = ["Callback-Url": "http://127.0.0.1:\(receiver.port)/x", "Idempotency-Key": "9"]
            #expect(try await fixture.probe.post("/hooks/plain", "x", headers: named).status == 400)
            #expect(
                try await fixture.probe.post("/hooks/ci", "x", headers: ["Callback-Url": "file:///x"]).status == 400)
            #expect(try await fixture.probe.post("/hooks/ci", "x", headers: named).status == 202)
            try await bench.kill()
            try await bench.startAdapter()
            say("here", to: "ci:key:9", bench)
            _ = try await receiver.requests.wait(for: "the callback") { $0.count == 1 }
            guard case .sent = try await bench.router.result("k1") else {
                Issue.record("the callback was not sent")
                return
            }
        }
    }

    // MARK: Steering

    @Test func aPausedRouteTakesNothingUntilItIsResumed() async throws {
        let settings: JSONValue = [
            "listen": "127.0.0.1:0", "routes": ["ci": ["secret": "env:ROUTE_CI"], "other": ["path": "/teams/other"]],
        ]
        try await withWebhook(settings, secrets: ["ROUTE_CI": "ci-token"]) { (fixture, bench) async throws in
            let mine = ["Authorization": "Bearer ci-token"]
            // A caller's secret does not make him the owner.
            #expect(try await fixture.probe.post("/hooks/ci/pause", "", headers: mine).status == 401)
            #expect(try await fixture.probe.post("/hooks/nothing/pause", "").status == 404)
            #expect(try await fixture.probe.post("/hooks/ci/pause?for=0", "").status == 400)
            #expect(try await fixture.probe.post("/hooks/ci/pause", "").status == 200)
            let refused = try await fixture.probe.post("/hooks/ci", "x", headers: mine)
            #expect(refused.status == 503 && refused.headers["retry-after"] != nil)
            #expect(try await fixture.probe.post("/teams/other", "x").status == 202)
            try await bench.kill()
            try await bench.startAdapter()
            #expect(try await fixture.probe.post("/hooks/ci", "x", headers: mine).status == 503)
            #expect(try await fixture.probe.post("/hooks/ci/resume", "").status == 200)
            #expect(try await fixture.probe.post("/hooks/ci", "x", headers: mine).status == 202)
            #expect(bench.router.memory.value.events.count == 2)
        }
    }

    @Test func anEndAnswersTheBeginningAlsoInAnotherProcess() async throws {
        let settings: JSONValue = [
            "listen": "127.0.0.1:0",
            "routes": [
                "ci": [
                    "template": "{{host}} is {{state}}",
                    "alert": ["fingerprint": ["host"], "resolved": ["path": "state", "is": "ok"]],
                    "filters": [["path": "host", "is_not": "test*"]], "content_types": ["application/json"],
                ]
            ],
        ]
        try await withWebhook(settings) { (fixture, bench) async throws in
            func post(_ body: String, type: String = "application/json") async throws -> Int {
                try await fixture.probe.post("/hooks/ci", body, headers: ["Content-Type": type]).status
            }
            #expect(try await post(#"{"host":"db1","state":"down"}"#) == 202)
            try await bench.kill()
            try await bench.startAdapter()
            #expect(try await post(#"{"host":"db1","state":"ok"}"#) == 202)
            #expect(try await post(#"{"host":"test7","state":"down"}"#) == 200)
            #expect(try await post("{}", type: "text/plain") == 415)
            let events = bench.router.memory.value.events
            #expect(try events.map { try EventBody(json: $0.body).text } == ["db1 is down", "db1 is ok"])
            let heads = events.compactMap(\.head)
            #expect(heads.map(\.state) == [.firing, .resolved])
            #expect(heads.last?.replyTo == heads.first?.id)
        }
    }

    // MARK: A proxy in front

    @Test func aCertificateIsBelievedOnlyFromTheProxy() async throws {
        let settings: JSONValue = [
            "listen": "127.0.0.1:0", "proxy": ["from": ["127.0.0.1"], "secret": "env:PROXY"],
            "routes": ["ci": ["scheme": "mtls", "certificates": ["CN=deploy"], "header": "X-Client-DN"]],
        ]
        try await withWebhook(settings, secrets: ["PROXY": "proxy-secret"]) { (fixture, bench) async throws in
            let proxy = ["X-Switchboard-Proxy": "proxy-secret"]
            let named = ["X-Client-DN": "CN=deploy"]
            func status(_ headers: [String: String]) async throws -> Int {
                try await fixture.probe.post("/hooks/ci", "x", headers: headers).status
            }
            #expect(try await status(named) == 401)
            #expect(try await status(proxy) == 401)
            #expect(try await status(named.merging(["X-Switchboard-Proxy": "wrong"]) { $1 }) == 401)
            #expect(try await status(proxy.merging(["X-Client-DN": "CN=other"]) { $1 }) == 401)
            #expect(try await status(proxy.merging(named) { $1 }) == 202)
            // Nobody signed the words: the same again are another message, unless the caller names it.
            #expect(try await status(proxy.merging(named) { $1 }) == 202)
            #expect(bench.router.memory.value.events.count == 2)
        }
    }

    // MARK: Originals

    @Test func theRequestIsGivenAsItCame() async throws {
        let settings: JSONValue = ["listen": "127.0.0.1:0", "routes": ["ci": ["template": "{{host}}"]]]
        try await withWebhook(settings) { (fixture, bench) async throws in
            let raw = #"{ "host" : "db1",  "more": [1, 2] }"#
            let json = ["Content-Type": "application/json"]
            #expect(try await fixture.probe.post("/hooks/ci", raw, headers: json).status == 202)
            #expect(try await fixture.probe.post("/hooks/ci", "only words").status == 202)
            let events = try await bench.router.events(2)
            let body = try EventBody(json: events[0].body)
            #expect(body.text == "db1" && body.original == nil)
            let attachment = try #require(body.attachments.first)
            let head = try #require(events[0].head)
            let whole = try await bench.router.fetch(attachment.id, event: head.id, chat: head.chat)
            #expect(try whole.get() == Array(raw.utf8))
            // What is told as it came needs no second copy.
            #expect(try EventBody(json: events[1].body).attachments.isEmpty)
            let stranger = try await bench.router.fetch("../../secrets.env", event: head.id, chat: head.chat)
            guard case .failure = stranger else {
                Issue.record("a file that is none of its own was given")
                return
            }
        }
    }
}
