import AdapterKit
import SwitchboardTesting
import Testing

#if canImport(Darwin)
    import Darwin
#else
    import Glibc
#endif

/// The real program over real sockets, against the scripted router.
@Suite(.serialized, .timeLimit(.minutes(2))) struct WebhookHTTPTests {
    /// Runs one webhook with some settings, and stops it.
    private func withWebhook(
        _ settings: JSONValue = ["listen": "127.0.0.1:0"],
        _ body: (WebhookFixture, AdapterBench) async throws -> Void
    ) async throws {
        let fixture = WebhookFixture(settings: settings)
        let bench = try AdapterBench(fixture)
        try await bench.start()
        do {
            try await body(fixture, bench)
        } catch {
            await bench.stop()
            throw error
        }
        await bench.stop()
    }

    private func secret(_ value: String, named name: String, in bench: AdapterBench) throws {
        let path = bench.router.places.secretsFile
        guard let file = fopen(path, "a") else { throw HTTPProbe.Failure(description: "cannot write \(path)") }
        fputs("\(name)=\(value)\n", file)
        fclose(file)
        chmod(path, 0o600)
    }

    // MARK: Bodies

    @Test func takesTextAsItIs() async throws {
        try await withWebhook { (fixture, bench) async throws in
            for (type, text) in [
                (nil, "plain"), ("text/plain; charset=utf-8", "grüße\nzwei"),
                ("application/x-www-form-urlencoded", "a=1&b=%20"),
            ] {
                let headers = type.map { ["Content-Type": $0] } ?? [:]
                let answer = try await fixture.probe.post("/hooks/ci", text, headers: headers)
                #expect(answer.status == 202)
                let event = try #require(bench.router.memory.value.events.last)
                let body = try EventBody(json: event.body)
                #expect(body.text == text)
                #expect(body.original == nil)
                let head = try #require(event.head)
                #expect(
                    try JSONValue(parsing: answer.body) == [
                        "event_id": .string("bench:\(head.id)"), "status": "stored",
                    ])
                #expect(head.chat == "ci")
                #expect(head.sender == "local:\(geteuid())")
                #expect(head.authentication == .loopback)
            }
        }
    }

    @Test func keepsJSONAsTheOriginal() async throws {
        try await withWebhook { (fixture, bench) async throws in
            let text = #"{"build": 7, "ok": false}"#
            for type in ["application/json", "application/vnd.ci+json; charset=UTF-8"] {
                #expect(try await fixture.probe.post("/hooks/ci", text, headers: ["Content-Type": type]).status == 202)
                let body = try EventBody(json: try #require(bench.router.memory.value.events.last).body)
                #expect(body.text == text)
                #expect(body.original == ["build": 7, "ok": false])
            }
        }
    }

    @Test func refusesWhatItCannotRead() async throws {
        try await withWebhook { (fixture, bench) async throws in
            let probe = fixture.probe
            #expect(try await probe.post("/hooks/ci", "").status == 400)
            #expect(try await probe.post("/hooks/ci", " \n").status == 400)
            #expect(try await probe.request("POST", "/hooks/ci", [0xC3, 0x28]).status == 400)
            #expect(try await probe.post("/hooks/ci", "{", headers: ["Content-Type": "application/json"]).status == 400)
            #expect(
                try await probe.post("/hooks/ci", "<a/>", headers: ["Content-Type": "application/xml"]).status == 415)
            let latin = ["Content-Type": "text/plain; charset=iso-8859-1"]
            #expect(try await probe.post("/hooks/ci", "x", headers: latin).status == 415)
            let key = ["Idempotency-Key": String(repeating: "k", count: 129)]
            #expect(try await probe.post("/hooks/ci", "x", headers: key).status == 400)
            #expect(bench.router.memory.value.events.isEmpty)
        }
    }

    @Test func stopsReadingAfterOneMebibyte() async throws {
        try await withWebhook { (fixture, bench) async throws in
            let whole = [UInt8](repeating: 0x61, count: 1 << 20)
            #expect(try await fixture.probe.request("POST", "/hooks/ci", whole).status == 202)
            #expect(try await fixture.probe.request("POST", "/hooks/ci", whole + [0x61]).status == 413)
            // Said by the head alone: the answer comes before the body.
            let head = "POST /hooks/ci HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 9999999999\r\n\r\n"
            #expect(try await fixture.probe.exchange(Array(head.utf8)).status == 413)
            // Said by nobody: chunks, counted as they come.
            var chunked = Array("POST /hooks/ci HTTP/1.1\r\nHost: 127.0.0.1\r\nTransfer-Encoding: chunked\r\n\r\n".utf8)
            let chunk = Array("10000\r\n".utf8) + [UInt8](repeating: 0x61, count: 0x10000) + Array("\r\n".utf8)
            for _ in 0..<17 { chunked += chunk }
            #expect(try await fixture.probe.exchange(chunked + Array("0\r\n\r\n".utf8)).status == 413)
            #expect(bench.router.memory.value.events.count == 1)
        }
    }

    @Test func largeBodiesOfEscapesStillFitTheBus() async throws {
        try await withWebhook { (fixture, _) async throws in
            let quotes = "\"" + String(repeating: #"\""#, count: 400_000) + "\""
            #expect(
                try await fixture.probe.post("/hooks/ci", quotes, headers: ["Content-Type": "application/json"]).status
                    == 202)
            #expect(
                try await fixture.probe.post("/hooks/ci", "x" + String(repeating: "\u{1}", count: 500_000)).status
                    == 413)
        }
    }

    @Test func answersAnExpectationBeforeTheBody() async throws {
        try await withWebhook { (fixture, _) async throws in
            let answer = try await fixture.probe.post("/hooks/ci", "hello", headers: ["Expect": "100-continue"])
            #expect(answer.status == 202)
        }
    }

    // MARK: Paths

    @Test func knowsItsPaths() async throws {
        try await withWebhook { (fixture, _) async throws in
            let probe = fixture.probe
            #expect(try await probe.get("/healthz").status == 200)
            #expect(try await probe.get("/hooks/ci").status == 405)
            #expect(try await probe.get("/hooks/ci").headers["allow"] == "POST")
            #expect(try await probe.post("/hooks/ci/replies", "x").status == 405)
            for path in [
                "/", "/hooks", "/hooks/", "/hooks/a%2Fb", "/hooks/..", "/hooks/a/b",
                "/hooks/" + String(repeating: "n", count: 65),
            ] {
                #expect(try await probe.post(path, "x").status == 404, "\(path)")
            }
        }
    }

    // MARK: Access

    @Test(arguments: [
        ["Origin": "http://127.0.0.1"], ["Sec-Fetch-Site": "none"], ["Host": "evil.example"],
        ["Host": "127.0.0.1.evil.example:8441"],
        ["X-Forwarded-For": "10.0.0.1"], ["Via": "1.1 tunnel"], ["Authorization": "Bearer wrong"],
        ["Authorization": "Basic x"],
    ]) func loopbackIsNotTrusted(_ headers: [String: String]) async throws {
        try await withWebhook { (fixture, bench) async throws in
            let answer = try await fixture.probe.post("/hooks/ci", "x", headers: headers)
            #expect(answer.status == 401)
            #expect(answer.headers["www-authenticate"] == "Bearer")
            #expect(bench.router.memory.value.events.isEmpty)
            let replies = try await fixture.probe.get("/hooks/ci/replies", headers: headers)
            #expect(replies.status == 401)
        }
    }

    @Test func theHomeTokenOpensAnyHookWithoutRoutes() async throws {
        try await withWebhook { (fixture, bench) async throws in
            let token = try PrivateToken.load(bench.router.places.run + "/bench.token")
            let headers = ["Authorization": "bearer \(token)", "Origin": "http://page"]
            #expect(try await fixture.probe.post("/hooks/deploy", "x", headers: headers).status == 202)
            let head = try #require(bench.router.memory.value.events.last?.head)
            #expect(head.authentication == .secret)
            #expect(head.sender == "secret:deploy")
        }
    }

    @Test func routesAreTheOnlyOnesAndHaveTheirOwnSecrets() async throws {
        let settings: JSONValue = [
            "listen": "127.0.0.1:0",
            "routes": [
                "ci": ["secret": ["env:CI_NEW", "env:CI_OLD"]], "deploy": ["secret": "env:DEPLOY"], "open": [:],
            ],
        ]
        let fixture = WebhookFixture(settings: settings)
        let bench = try AdapterBench(fixture)
        try bench.router.places.prepare()
        try secret("new-secret", named: "CI_NEW", in: bench)
        try secret("old-secret", named: "CI_OLD", in: bench)
        try secret("deploy-secret", named: "DEPLOY", in: bench)
        try await bench.start()
        let home = try PrivateToken.load(bench.router.places.run + "/bench.token")
        func status(_ name: String, _ token: String?) async throws -> Int {
            let headers = token.map { ["Authorization": "Bearer \($0)"] } ?? [:]
            return try await fixture.probe.post("/hooks/\(name)", "x", headers: headers).status
        }
        #expect(try await status("ci", "new-secret") == 202)
        #expect(try await status("ci", "old-secret") == 202)
        #expect(try await status("ci", "deploy-secret") == 401)
        #expect(try await status("ci", home) == 401)
        #expect(try await status("deploy", "deploy-secret") == 202)
        #expect(try await status("open", home) == 202)
        #expect(try await status("open", nil) == 202)
        #expect(try await status("other", home) == 404)
        await bench.stop()
    }

    // MARK: The router's word

    @Test func aRefusalOfTheAccessPolicyIs403() async throws {
        try await withWebhook { (fixture, bench) async throws in
            bench.router.script { $0.refuse = { _ in "not-allowed" } }
            let answer = try await fixture.probe.post("/hooks/ci", "x")
            #expect(answer.status == 403)
            #expect(answer.text.contains("not-allowed"))
        }
    }

    @Test func withoutARouterACallerIsToldToComeAgain() async throws {
        try await withWebhook { (fixture, bench) async throws in
            try await bench.router.stop()
            let answer = try await fixture.probe.post("/hooks/ci", "x")
            #expect(answer.status == 503)
            #expect(answer.headers["retry-after"] == "5")
            #expect(try await fixture.probe.get("/healthz").status == 503)
            try await bench.router.start()
        }
    }

    @Test func bothAnswersToOneKeyNameOneEvent() async throws {
        try await withWebhook { (fixture, bench) async throws in
            let headers = ["Idempotency-Key": "run/7 ü"]
            let first = try await fixture.probe.post("/hooks/ci", "x", headers: headers)
            let second = try await fixture.probe.post("/hooks/ci", "x", headers: headers)
            #expect(first.status == 202 && second.status == 202)
            #expect(first.text == second.text)
            #expect(try await fixture.probe.post("/hooks/deploy", "x", headers: headers).text != first.text)
            #expect(bench.router.memory.value.events.count == 2)
        }
    }

    // MARK: Replies

    @Test func repliesWaitForAListenerAndAreResumed() async throws {
        try await withWebhook { (fixture, bench) async throws in
            func send(_ key: String, _ text: String) async throws -> SendOutcome {
                bench.router.memory.change { $0.results = [] }
                let command = PlatformCommand(
                    key: key, verb: "send", chat: "ci", replyTo: "m1", arguments: ["text": .string(text)])
                bench.router.command(command)
                return try await bench.router.result(key)
            }
            guard case .retry(3_600_000, _) = try await send("k1", "held") else {
                Issue.record("a reply that nobody hears is not handed back")
                return
            }
            let stream = try await fixture.probe.stream("/hooks/ci/replies")
            _ = try await bench.router.memory.wait(for: "the hook to be resumed") {
                $0.health.contains { $0.resumed == ["ci"] }
            }
            // The router sends what it held, under the next key.
            guard case .sent(let ids) = try await send("k1#2", "held") else {
                Issue.record("a reply with a listener is not sent")
                return
            }
            try await stream.says(
                "id: \(try #require(ids.first))\nevent: reply\ndata: {\"text\":\"held\",\"reply_to\":\"m1\",\"ts\":\"")
            _ = try await send("k2", "line\none")
            _ = try await send("k3", "two")
            try await stream.says("\"two\"")
            #expect(WebhookFixture.texts(stream.text.value) == ["held", "line\none", "two"])

            let late = try await fixture.probe.stream(
                "/hooks/ci/replies", headers: ["Last-Event-ID": try #require(ids.first)])
            try await late.says("\"two\"")
            #expect(WebhookFixture.texts(late.text.value) == ["line\none", "two"])

            // A listener that hangs up is known to be gone, not written to.
            late.close()
            stream.close()
            var isUnheard = false
            for attempt in 0..<100 where !isUnheard { isUnheard = await fixture.isUnheard(bench, attempt) }
            #expect(isUnheard)
        }
    }

    // MARK: Bad luck

    @Test func aTakenPortNamesItsHolderAndTheKey() async throws {
        try await withWebhook { (fixture, bench) async throws in
            let port = fixture.probe.port
            let other = WebhookFixture(settings: ["listen": .string("127.0.0.1:\(port)")])
            let second = try AdapterBench(other)
            var reason = ""
            do {
                try await second.start()
                Issue.record("two listen on one port")
            } catch let violation as AdapterContract.Violation {
                reason = violation.description
            }
            await second.stop()
            #expect(reason.contains("adapters.bench.listen"))
            #if os(Linux)
                #expect(reason.contains("held by process \(bench.adapterPID)"))
            #endif
        }
    }

    @Test(
        arguments: [
            (["scheme": "githob", "secret": "env:X"], "routes.ci.scheme"), (["scheme": "github"], "routes.ci.secret"),
        ] as [(JSONValue, String)]) func aSchemeThatCannotHoldIsNotSilentlyIgnored(_ route: JSONValue, _ path: String)
        async throws
    {
        let fixture = WebhookFixture(settings: ["listen": "127.0.0.1:0", "routes": ["ci": route]])
        let bench = try AdapterBench(fixture)
        let violation = await #expect(throws: AdapterContract.Violation.self) { try await bench.start() }
        #expect(violation?.description.contains(path) == true)
        await bench.stop()
    }

    // MARK: Signing routes

    @Test func onlyASignedRequestIsStoredAndUnsignedHeadersMakeNoSecondEvent() async throws {
        let settings: JSONValue = [
            "listen": "127.0.0.1:0",
            "routes": ["ci": ["scheme": "github", "secret": "env:SIGNED_HOOK", "max_bytes": 4096]],
        ]
        let fixture = WebhookFixture(settings: settings)
        let bench = try AdapterBench(fixture)
        try bench.router.places.prepare()
        try secret("It's a Secret to Everybody", named: "SIGNED_HOOK", in: bench)
        try await bench.start()
        let sign = "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17"
        func post(_ body: String, _ headers: [String: String]) async throws -> HTTPProbe.Answer {
            try await fixture.probe.post("/hooks/ci", body, headers: headers)
        }
        #expect(try await post("Hello, World!", [:]).status == 401)
        #expect(try await post("Hello, World?", ["X-Hub-Signature-256": sign]).status == 401)
        // Neither the same user nor the home's token stand in for a signature.
        let home = try PrivateToken.load(bench.router.places.run + "/bench.token")
        #expect(try await post("Hello, World!", ["Authorization": "Bearer \(home)"]).status == 401)
        #expect(try await post(String(repeating: "a", count: 4097), ["X-Hub-Signature-256": sign]).status == 413)
        #expect(bench.router.memory.value.events.isEmpty)
        let first = try await post("Hello, World!", ["X-Hub-Signature-256": sign, "X-GitHub-Delivery": "1"])
        #expect(first.status == 202)
        for headers in [
            ["X-GitHub-Delivery": "2"], ["Idempotency-Key": "other"], ["Content-Type": "text/plain"],
            ["ce-specversion": "1.0", "ce-id": "9", "ce-source": "x", "ce-type": "y"], ["webhook-id": "z"],
        ] {
            let again = try await post("Hello, World!", headers.merging(["X-Hub-Signature-256": sign]) { $1 })
            #expect(again.status == 202 && again.text == first.text, "\(headers)")
        }
        #expect(bench.router.memory.value.events.count == 1)
        let head = try #require(bench.router.memory.value.events.last?.head)
        #expect(head.sender == "secret:ci")
        #expect(head.authentication == .secret)
        await bench.stop()
    }

    @Test func alertsAndCloudEventsAreToldInOneLine() async throws {
        try await withWebhook { (fixture, bench) async throws in
            let json = ["Content-Type": "application/json"]
            for status in ["firing", "firing", "resolved"] {
                let body = HookSummaryTests.alert(status)
                #expect(try await fixture.probe.post("/hooks/ci", body, headers: json).status == 202)
            }
            let heads = bench.router.memory.value.events.compactMap(\.head)
            #expect(heads.map(\.kind) == [.alert, .alert])
            #expect(Set(heads.map(\.fingerprint)).count == 1)
            #expect(heads.last?.replyTo == heads.first?.id)
            let batch =
                #"[{"specversion":"1.0","id":"1","source":"/a","type":"t"},"#
                + #"{"specversion":"1.0","id":"2","source":"/a","type":"t"}]"#
            let type = ["Content-Type": "application/cloudevents-batch+json"]
            #expect(try await fixture.probe.post("/hooks/ci", batch, headers: type).status == 202)
            #expect(try await fixture.probe.post("/hooks/ci", batch, headers: type).status == 202)
            #expect(bench.router.memory.value.events.count == 4)
            #expect(try await fixture.probe.post("/hooks/ci", "[{}]", headers: type).status == 400)
        }
    }
}

extension WebhookFixture {
    /// Whether a reply to the chat finds nobody.
    func isUnheard(_ bench: AdapterBench, _ attempt: Int) async -> Bool {
        let key = "gone-\(attempt)"
        bench.router.command(PlatformCommand(key: key, verb: "send", chat: chat, arguments: ["text": "?"]))
        do {
            if case .retry = try await bench.router.result(key) { return true }
        } catch {
            return false
        }
        return false
    }
}
