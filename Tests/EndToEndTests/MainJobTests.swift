import JSON
import OperatingHome
import SwitchboardTesting
import Testing

#if canImport(Darwin)
    import Darwin
#else
    import Glibc
#endif

/// An event in over HTTP, a reply out as a server-sent event, over the real programs under `switchboard up`.
@Suite struct MainJobTests {
    static let configuration = """
        adapters: { webhook: { listen: "127.0.0.1:{port}" } }
        delivery: { attach_settle: 0s, first_push_wait: 0s }

        """

    /// What curl sees: the status and the JSON of the answer.
    static func curl(
        _ home: SwitchboardHomeFixture, _ text: String, _ more: [String] = []
    ) async throws -> (status: Int, answer: JSONValue) {
        let url = "127.0.0.1:\(home.webhookPort)/hooks/ci"
        // Where the system does not tell who holds a socket, everybody shows the home's token.
        let token = try SmallFile.read(home.places.run + "/webhook.token", limit: 1024) ?? []
        let header = "Authorization: Bearer " + String(decoding: token.prefix { $0 != 0x0A }, as: UTF8.self)
        let credential = isUserKnown ? [] : ["-H", header]
        let outcome = try await home.run("curl", ["-sS", "-w", "\n%{http_code}", "-d", text, url] + credential + more)
        let lines = outcome.output.split(separator: "\n", omittingEmptySubsequences: false)
        guard let status = lines.last.flatMap({ Int($0) }), status > 0 else {
            throw SwitchboardHomeFixture.Failure(description: "curl: \(outcome)")
        }
        let body = lines.dropLast().joined(separator: "\n")
        return (status, body.hasPrefix("{") ? try JSONValue(parsing: body) : .string(body))
    }

    static let isUserKnown: Bool = {
        #if os(Linux)
            true
        #else
            false
        #endif
    }()

    static func replies(_ home: SwitchboardHomeFixture) async throws -> HTTPStream {
        let token = try SmallFile.read(home.places.run + "/webhook.token", limit: 1024) ?? []
        let header = "Bearer " + String(decoding: token.prefix { $0 != 0x0A }, as: UTF8.self)
        let stream = try await HTTPProbe(port: home.webhookPort)
            .stream("/hooks/ci/replies", headers: isUserKnown ? [:] : ["Authorization": header])
        try await stream.says("200")
        return stream
    }

    static func status(of result: JSONValue) -> String? { result["structuredContent"]?["status"]?.stringValue }

    // MARK: In and out

    @Test func aPostReachesTheSessionAndItsReplyComesBack() async throws {
        try await SwitchboardHomeFixture.with(configuration: Self.configuration) { home in
            try await home.up()
            let session = try await home.session("web")
            let stream = try await Self.replies(home)

            let (status, answer) = try await Self.curl(home, "build failed")
            #expect(status == 202)
            let id = try #require(answer["event_id"]?.stringValue)
            #expect(id.hasPrefix("webhook:"))
            let event = try await session.channelEvents(1)[0]
            #expect(event.content == "build failed")
            #expect(event.meta["chat_id"] == "webhook:ci")
            #expect(event.meta["event_id"] == id)

            let result = try await session.call("reply", ["chat_id": "webhook:ci", "text": "looking into it"])
            #expect(Self.status(of: result) == "sent")
            try await stream.says("looking into it")
            #expect(stream.text.value.contains("event: reply"))

            #expect(session.strayLines.isEmpty)
            session.closeInput()
            #expect(try await session.ended() == .exited(0))
        }
    }

    @Test func whatNobodyIsThereForWaitsAndArrivesInOrder() async throws {
        try await SwitchboardHomeFixture.with(configuration: Self.configuration) { home in
            try await home.up()
            var ids: [String?] = []
            for number in 1...20 {
                let (status, answer) = try await Self.curl(home, "message \(number)")
                #expect(status == 202)
                ids.append(answer["event_id"]?.stringValue)
            }
            #expect(try await home.json("status")["store"]?["waiting"] == 20)
            let session = try await home.session("web")
            let events = try await session.channelEvents(20)
            #expect(events.map(\.content) == (1...20).map { "message \($0)" })
            #expect(events.map { $0.meta["event_id"] } == ids)
            #expect(events.allSatisfy { $0.meta["redelivery"] == nil })
            session.closeInput()
        }
    }

    @Test func theSameKeyIsDeliveredOnce() async throws {
        try await SwitchboardHomeFixture.with(configuration: Self.configuration) { home in
            try await home.up()
            let session = try await home.session("web")
            let (first, one) = try await Self.curl(home, "deploy", ["-H", "Idempotency-Key: 7"])
            let (second, other) = try await Self.curl(home, "deploy", ["-H", "Idempotency-Key: 7"])
            #expect(first == 202 && second / 100 == 2)
            #expect(one["event_id"] == other["event_id"])
            _ = try await Self.curl(home, "after it")
            #expect(try await session.channelEvents(2).map(\.content) == ["deploy", "after it"])
            session.closeInput()
        }
    }

    // MARK: A restart in between

    @Test func aCallInFlightIsAnsweredAfterARouterRestart() async throws {
        try await SwitchboardHomeFixture.with(configuration: Self.configuration) { home in
            try await home.up()
            let session = try await home.session("web")
            let stream = try await Self.replies(home)
            _ = try await Self.curl(home, "one")
            _ = try await session.channelEvents(1)

            let router = try #require(try await home.json("status")["router"]?["pid"]?.integerValue)
            #expect(kill(pid_t(router), SIGKILL) == 0)
            let reply = try session.begin("reply", ["chat_id": "webhook:ci", "text": "still here"])
            let question = try session.begin("conversations", [:])
            // Accepted while the router is away or refused with 503, never lost: here it waits for the new router.
            let (status, _) = try await Self.curl(home, "two")
            #expect(status == 202)

            let answer = try await session.response(to: reply)
            // Which of the two depends on who is back first, the session or the webhook.
            #expect(["sent", "queued"].contains(Self.status(of: answer["result"] ?? .null)))
            let list = try await session.response(to: question)["result"]?["content"]?.arrayValue?.first?["text"]
            #expect(list?.stringValue?.contains("webhook:ci") == true)
            try await stream.says("still here")
            let events = try await session.channelEvents(2)
            #expect(events.map(\.content) == ["one", "two"])
            #expect(events.allSatisfy { $0.meta["redelivery"] == nil })
            _ = try await session.call("reply", ["chat_id": "webhook:ci", "text": "the end"])
            try await stream.says("the end")
            #expect(stream.text.value.ranges(of: "still here").count == 1)
            session.closeInput()
        }
    }

    // MARK: What a person sees of it

    @Test func theCommandsTellWhatHappened() async throws {
        try await SwitchboardHomeFixture.with(configuration: Self.configuration) { home in
            try await home.up()
            var watching = try home.command("switchboard", ["tap", "--json"])
            watching.output = .pipe
            let tap = try home.start(watching)
            let lines = try ProgramOutput(try #require(tap.output))
            let session = try await home.session("web")
            let stream = try await Self.replies(home)

            // A subscription takes its time to arrive; what is published before it does is not in the tap.
            var number = 0
            var id = ""
            repeat {
                number += 1
                id = try await Self.curl(home, "build \(number) failed").answer["event_id"]?.stringValue ?? ""
                _ = try await session.channelEvents(number)
            } while !lines.text.contains("\"delivery\"") && number < 500
            #expect(await lines.waitFor(id))
            _ = try await session.call("reply", ["chat_id": "webhook:ci", "text": "fixed"])
            #expect(await lines.waitFor("\"outbox\""))
            tap.signal(SIGINT)

            let status = try await home.json("status")
            #expect(status["store"]?["state"] == "ok")
            #expect(status["store"]?["events"]?.integerValue == Int64(number))
            let source = status["sources"]?.arrayValue?.first
            #expect(source?["name"] == "webhook" && source?["state"] == "up")
            let listed = try await home.json("sessions")["sessions"]?.arrayValue?.first
            #expect(listed?["label"] == "web" && listed?["state"] == "ready")
            #expect(listed?["written"]?.integerValue == Int64(number))

            let history = try await home.json("history", "--conversation", "webhook:ci", "--limit", "1000")
            let last = try #require(history["events"]?.arrayValue?.last)
            #expect(last["event_id"]?.stringValue == id)
            #expect(last["text"]?.stringValue == "build \(number) failed")
            #expect(last["deliveries"]?.arrayValue?.first?["state"] == "answered")
            #expect(history["replies"]?.arrayValue?.first?["text"] == "fixed")
            #expect(history["replies"]?.arrayValue?.first?["state"] == "sent")

            let sent = try await home.json("send", "webhook:ci", "from a person")
            #expect(sent["status"] == "sent")
            try await stream.says("from a person")
            for reading in [["status"], ["sessions"], ["history"]] {
                let outcome = try await home.run(try home.command("switchboard", reading))
                #expect(outcome.status == .exited(0))
                #expect(outcome.output.split(separator: "\n").allSatisfy { $0.count <= 80 }, "\(outcome.output)")
            }
            session.closeInput()
        }
    }
}
