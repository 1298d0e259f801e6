import BusProtocol
import ChannelEvents
import JSON

/// The values of the files in `Golden`, by file. A file is bytes that other people's adapters are written against:
/// changing one changes the protocol.
enum GoldenMessages {
    enum Message: Hashable, Sendable {
        case toRouter(PeerMessage)
        case toPeer(RouterMessage)

        var frames: BusFrames {
            switch self {
            case .toRouter(let message): return message.frames
            case .toPeer(let message): return message.frames
            }
        }
    }

    static let files: [(name: String, about: String, messages: [Message])] = [
        (
            "HELLO", "A peer says who it is. First an adapter in full, then an endpoint, then an operator's command.",
            [
                .toRouter(
                    .hello(
                        Hello(
                            role: .adapter, name: "example-work", program: "switchboard-example 1.0",
                            instance: "8f14e45fceea167a", pid: 4242, next: 17, key: "s3cret",
                            abilities: Abilities(
                                verbs: ["send", "edit"], features: ["threads", "idempotent"], textLimit: 4096)))),
                .toRouter(
                    .hello(
                        Hello(
                            role: .endpoint, name: "api", program: "switchboard 1.0", instance: "c9f0f895fb98ab91",
                            pid: 4243, project: "/home/ann/src/api", parent: 4200, written: [7, 8], credit: 64))),
                .toRouter(
                    .hello(
                        Hello(
                            role: .operator, name: "status", program: "switchboard 1.0", instance: "45c48cce2e2d7fbd",
                            pid: 4244))),
            ]
        ),
        (
            "WELCOME", "The router takes a peer in. First an adapter with its cursor and settings, then an endpoint.",
            [
                .toPeer(
                    .welcome(
                        Welcome(
                            epoch: 7, name: "example-work", cursor: ["offset": 730_211_442],
                            credit: Credit(events: 4096, bytes: 16_777_216),
                            settings: ["token": "env:EXAMPLE_TOKEN", "api_base": "https://api.example.org"],
                            router: "1.0"))),
                .toPeer(
                    .welcome(
                        Welcome(
                            epoch: 9_223_372_036_854_775_807, name: "api-2", credit: Credit(events: 0, bytes: 0),
                            router: "1.0"))),
            ]
        ),
        (
            "PUBLISH",
            "Events in order and the cursor to commit with them; each event has a payload. Then: a cursor alone, and no cursor.",
            [
                .toRouter(
                    .numbered(
                        Position(epoch: 7, sequence: 17),
                        .publish(
                            Publish(
                                events: [
                                    PublishedEvent(
                                        head: EventHead(
                                            id: "42/1001", chat: "42", sender: "42", flags: [.direct],
                                            time: 1_795_442_664_123),
                                        body: EventBody(text: "Grüße \"from\" the phone\n🎉", user: "Ann").json),
                                    PublishedEvent(
                                        head: EventHead(
                                            id: "-1001/7/55", chat: "-1001", thread: "7", sender: "99", kind: .edit,
                                            authentication: .secret, flags: [.mention, .bot, .late], group: "album-3",
                                            replyTo: "54", time: 0),
                                        body: EventBody(
                                            text: "", chatTitle: "Ops",
                                            attachments: [
                                                Attachment(id: "f1", name: "a.png", mediaType: "image/png", size: 10)
                                            ],
                                            original: ["update": [1, nil, true]]
                                        ).json),
                                ], cursor: Array("{\"offset\":730211443}".utf8))))),
                .toRouter(
                    .numbered(
                        Position(epoch: 7, sequence: 18),
                        .publish(Publish(events: [], cursor: Array("{\"offset\":730211444}".utf8))))),
                .toRouter(
                    .numbered(
                        Position(epoch: 7, sequence: 19),
                        .publish(
                            Publish(events: [
                                PublishedEvent(
                                    head: EventHead(
                                        id: "b1", chat: "ci", sender: "local", kind: .alert, authentication: .loopback,
                                        fingerprint: "ci:main", state: .firing,
                                        time: 1_795_442_664_124), body: EventBody(text: "build failed").json)
                            ])))),
            ]
        ),
        (
            "ACK",
            "Cumulative, both ways. The router's may name refused events and change the credit; a peer's has the position only.",
            [
                .toPeer(.ack(Acknowledgement(position: Position(epoch: 7, sequence: 17)))),
                .toPeer(
                    .ack(
                        Acknowledgement(
                            position: Position(epoch: 7, sequence: 18),
                            refused: [RefusedEvent(sequence: 17, index: 1, code: "malformed")],
                            credit: Credit(events: 2048, bytes: 8_388_608)))),
                .toRouter(.ack(Position(epoch: 7, sequence: 3))),
            ]
        ),
        (
            "RESET", "The router did not take a message: say HELLO on a new connection.",
            [
                .toPeer(.reset(Reset(reason: .gap, expected: 18))), .toPeer(.reset(Reset(reason: .epoch, expected: 1))),
                .toPeer(.reset(Reset(reason: .stranger))),
            ]
        ),
        (
            "DELIVER",
            "Events for a session, a payload each. The second was offered before, is old and stands for three.",
            [
                .toPeer(
                    .numbered(
                        Position(epoch: 7, sequence: 1),
                        .deliver([
                            Delivery(
                                id: 501, source: source("example-work"),
                                head: EventHead(
                                    id: "42/1001", chat: "42", sender: "42", flags: [.direct], time: 1_795_442_664_123),
                                body: EventBody(text: "hello", user: "Ann").json),
                            Delivery(
                                id: 502, source: source("webhook"),
                                head: EventHead(
                                    id: "b1", chat: "ci", sender: "local", kind: .alert, authentication: .loopback,
                                    time: 1_795_442_664_124), redelivery: 2, staleAge: 3_600_000,
                                count: 3, body: EventBody(text: "build failed").json),
                        ])))
            ]
        ),
        (
            "RECEIPT", "What became of deliveries.",
            [
                .toRouter(.numbered(Position(epoch: 7, sequence: 1), .receipt(Receipt(written: [501, 502])))),
                .toRouter(
                    .numbered(
                        Position(epoch: 7, sequence: 2),
                        .receipt(Receipt(failed: [Receipt.Failure(delivery: 503, code: "closed")])))),
            ]
        ),
        (
            "CALL", "An endpoint's tool call; the id is the key under which the router stores the outcome.",
            [
                .toRouter(
                    .call(
                        epoch: 7,
                        Call(id: "toolu_01A", name: "reply", arguments: ["chat_id": "webhook:ci", "text": "on it"])))
            ]
        ),
        (
            "QUERY", "An operator's question.",
            [.toRouter(.query(epoch: 7, Call(id: "q1", name: "status", arguments: [:])))]
        ),
        (
            "ANSWER", "The answer to a CALL or QUERY: any JSON, or with a code the text of a failure.",
            [
                .toPeer(.answer(Answer(epoch: 7, id: "toolu_01A", outcome: .success(["sent": ["m1"]])))),
                .toPeer(
                    .answer(
                        Answer(
                            epoch: 7, id: "q1",
                            outcome: .failure(code: "not-found", message: "there is no such session")))),
            ]
        ),
        (
            "COMMAND",
            "Something to do on the platform. The second is asked again: a known key is answered, not repeated. The third is a try after `retry`.",
            [
                .toPeer(
                    .numbered(
                        Position(epoch: 7, sequence: 2),
                        .command(PlatformCommand(key: "o9.1", verb: "send", chat: "42", arguments: ["text": "on it"])))),
                .toPeer(
                    .numbered(
                        Position(epoch: 7, sequence: 3),
                        .command(
                            PlatformCommand(
                                key: "o9.2", verb: "send", chat: "-1001", thread: "7", replyTo: "55", again: true,
                                arguments: ["text": "on it"])))),
                .toPeer(
                    .numbered(
                        Position(epoch: 7, sequence: 4),
                        .command(
                            PlatformCommand(
                                key: "o9.3#2", verb: "send", chat: "42", attempt: 2, arguments: ["text": "on it"])))),
            ]
        ),
        (
            "RESULT", "How a COMMAND ended, and how certain that is: four ways.",
            [
                .toRouter(.numbered(Position(epoch: 7, sequence: 20), result(.sent(ids: ["1002", "1003"])))),
                .toRouter(.numbered(Position(epoch: 7, sequence: 21), result(.rejected(reason: "the chat is gone")))),
                .toRouter(
                    .numbered(Position(epoch: 7, sequence: 22), result(.retry(after: 3000, reason: "rate limit")))),
                .toRouter(
                    .numbered(
                        Position(epoch: 7, sequence: 23), result(.unknown(reason: "the connection ended in between")))),
            ]
        ),
        (
            "ASK", "Claude Code's permission prompt.",
            [
                .toRouter(
                    .numbered(
                        Position(epoch: 7, sequence: 3),
                        .ask(
                            PermissionRequest(
                                request: "abcde", tool: "Bash", description: "Run the tests", preview: "swift test"))))
            ]
        ),
        (
            "HOOK", "What one of Claude Code's hooks told an endpoint. The second waits for an ANSWER with its id.",
            [
                .toRouter(
                    .numbered(
                        Position(epoch: 7, sequence: 3),
                        .hook(
                            HookReport(
                                id: "h1", name: "UserPromptSubmit", at: 1_795_442_664_123, prompt: "p1", session: "s1",
                                members: ["events": ["webhook:ci-1"]])))),
                .toRouter(
                    .numbered(
                        Position(epoch: 7, sequence: 4),
                        .hook(
                            HookReport(
                                id: "h2", name: "Stop", at: 1_795_442_665_000, wantsAnswer: true,
                                members: ["last_assistant_message": "done", "stop_hook_active": false])))),
            ]
        ),
        (
            "VERDICT", "A person's answer to it.",
            [
                .toPeer(.numbered(Position(epoch: 7, sequence: 4), .verdict(Verdict(request: "abcde", allow: true)))),
                .toPeer(.numbered(Position(epoch: 7, sequence: 5), .verdict(Verdict(request: "abcdf", allow: false)))),
            ]
        ),
        (
            "FETCH", "Bytes of a file, please; both ways.",
            [
                .toPeer(.fetch(epoch: 7, attachment(offset: 0, version: nil))),
                .toPeer(.fetch(epoch: 7, attachment(offset: 262_144, version: "v1"))),
                .toRouter(.fetch(epoch: 7, Fetch(id: "1", file: test, limit: 4))),
            ]
        ),
        (
            "CHUNK", "A piece of a file, raw, or why there is none; both ways.",
            [
                .toRouter(.chunk(epoch: 7, piece("a12.0", 0, 20, "v1", "any bytes, ", isLast: false))),
                .toRouter(.chunk(epoch: 7, piece("a12.0", 11, 20, "v1", "not text.", isLast: true))),
                .toRouter(
                    .chunk(epoch: 7, Chunk(id: "a12.1", .failure(FetchFailure(.gone, "the link has expired"))))),
                .toPeer(.chunk(epoch: 7, piece("1", 0, 4, test, "test", isLast: true))),
                .toPeer(.chunk(epoch: 7, piece("2", 0, 0, nothing, "", isLast: true))),
            ]
        ),
        (
            "HEALTH", "How an adapter stands with its platform.",
            [
                .toRouter(.health(epoch: 7, Health(state: .up))),
                .toRouter(.health(epoch: 7, Health(state: .deaf, reason: "no route to host", resumed: ["42"]))),
                .toRouter(.health(epoch: 7, Health(state: .failed, reason: "the token was revoked"))),
            ]
        ),
        (
            "HEARTBEAT", "Every two seconds when nothing else is said, both ways.",
            [.toRouter(.heartbeat(epoch: 7)), .toPeer(.heartbeat(epoch: 7))]
        ),
        (
            "ERROR", "The router refuses one message by name; the link goes on.",
            [
                .toPeer(
                    .error(
                        Refusal(
                            code: "unknown-command", message: "the router knows the commands in adapters/PROTOCOL.md",
                            command: "")))
            ]
        ),
        (
            "BYE", "The link ends, and why; both ways.",
            [
                .toRouter(.bye(Bye(code: "shutting-down", message: "the peer stops"))),
                .toPeer(.bye(Bye(code: "source-taken", message: "example-work is held by pid 4242"))),
            ]
        ),
    ]

    private static let test = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"
    private static let nothing = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"

    private static func attachment(offset: Int64, version: String?) -> Fetch {
        Fetch(
            id: "a12.0", file: "f1", event: "-1001/7/55", chat: "-1001", thread: "7", offset: offset, version: version,
            limit: 10 << 20)
    }

    private static func piece(
        _ id: String, _ offset: Int64, _ size: Int64, _ version: String, _ text: String, isLast: Bool
    ) -> Chunk {
        Chunk(
            id: id,
            .bytes(
                Chunk.Piece(offset: offset, size: size, version: version, isLast: isLast, bytes: Array(text.utf8))))
    }

    private static func source(_ name: String) -> SourceName {
        guard let source = SourceName(name) else { preconditionFailure("\(name) is no source name") }
        return source
    }

    private static func result(_ outcome: SendOutcome) -> PeerMessage.Numbered {
        .result(CommandResult(key: "o9.1", outcome: outcome))
    }
}
