import JSON
import Testing

@testable import switchboard

@Suite struct TextTests {
    @Test func tablesFitEightyColumns() {
        var table = Table(["NAME", "PROJECT"], shrinking: 1)
        table.add(["api", String(repeating: "long/", count: 40)])
        table.add(["web\u{1B}[31m", "short"])
        let lines = table.text.split(separator: "\n")
        #expect(lines.allSatisfy { $0.count <= 80 })
        #expect(lines[1].hasSuffix("…"))
        #expect(!table.text.contains("\u{1B}"))
    }

    @Test(
        arguments: [
            (0, "-"), (1_000, "9s"), (1, "9s"), (-3_600_000, "-"), (10_000 - 60_000, "-"),
        ] as [(Int64, String)])
    func agesNeedATime(_ time: Int64, _ text: String) {
        #expect(TimeText.age(since: time, now: 10_000) == text)
    }

    @Test func agesAreInTheirLargestUnit() {
        let now: Int64 = 10_000_000_000
        #expect(TimeText.age(since: now - 59_000, now: now) == "59s")
        #expect(TimeText.age(since: now - 3_599_000, now: now) == "59m")
        #expect(TimeText.age(since: now - 86_399_000, now: now) == "23h")
        #expect(TimeText.age(since: now - 86_400_000, now: now) == "1d")
        #expect(TimeText.age(since: now + 5_000, now: now) == "0s")
    }

    @Test func whatOthersWroteCannotForgeALine() {
        #expect(Terminal.plain("a\nb\r\u{1B}]0;x\u{7}\u{202E}c") == "a b  ]0;x  c")
    }

    @Test func deadLettersSayWhatAndWhy() {
        let letters: JSONValue = [
            "letters": [
                [
                    "id": "o12", "kind": "reply", "conversation": "chat:ann", "session": "api", "state": "rejected",
                    "at_ms": 0, "reason": "the chat\nis gone", "parts": [3, 4], "of": 4, "text": "a long\nanswer",
                ],
                ["id": "e7", "kind": "event", "source": "chat", "state": "malformed", "at_ms": 0, "reason": "no id"],
            ]
        ]
        let text = DeadLetterText.text(letters)
        #expect(text.contains("reply  chat:ann  of api  rejected"))
        #expect(text.contains("  why    the chat is gone\n  parts  3, 4 of 4\n  text   a long answer"))
        #expect(text.contains("event  chat  malformed"))
        #expect(DeadLetterText.text(["letters": []]) == "no dead letters")
    }

    @Test func statusShowsWhatNeedsAPerson() {
        let status: JSONValue = [
            "router": ["pid": 7, "version": "0.1.0", "started_ms": 1, "home": "/home/x"],
            "store": [
                "state": "full", "reason": "the disk is full", "events": 5, "waiting": 2, "outbox": 1, "bytes": 99,
            ],
            "sources": [
                [
                    "name": "webhook", "kind": "webhook", "state": "failed",
                    "reason": "port 8441 is taken by nginx (12)",
                ],
                ["name": "other", "state": "away", "reason": "listening"],
            ],
            "sessions": [["label": "api", "state": "ready", "waiting": 2, "hooks": false, "project": "/src/api"]],
            "queues": [
                ["name": "quiet", "length": 0, "limit": 5, "dropped": 0], ["name": "tap", "length": 1, "dropped": 3],
            ],
        ]
        let text = StatusText(status).text
        #expect(text.contains("port 8441 is taken by nginx (12)"))
        #expect(text.contains("the disk is full"))
        #expect(text.contains("tap") && !text.contains("quiet"))
        #expect(!text.contains("listening"))
        #expect(text.split(separator: "\n").allSatisfy { $0.count <= 80 })
    }

    @Test func aStatusOfAnotherVersionIsStillShown() {
        #expect(!StatusText([:]).text.isEmpty)
        #expect(!StatusText(["sources": [[:]], "sessions": [5]]).text.isEmpty)
        #expect(!HistoryText.text([:]).isEmpty)
    }

    @Test func historyLinesFitAndSayThatNobodyIsThere() {
        let event: JSONValue = [
            "event_id": "webhook:1", "conversation": "webhook:ci", "sender": "local:1", "kind": "message", "time_ms": 2,
            "text": .string(String(repeating: "long ", count: 100)), "decision": "loopback",
            "deliveries": [["session": "", "state": "waiting"]],
        ]
        let reply: JSONValue = ["conversation": "webhook:ci", "text": "ok", "state": "sent", "time_ms": 1]
        let text = HistoryText.text(history: ["events": [event], "replies": [reply]])
        #expect(text.contains("no session yet: waiting"))
        #expect(text.contains("webhook:ci  reply  sent\n  text   ok\n"), "by time, so the reply comes first")
        #expect(text.split(separator: "\n").allSatisfy { $0.count <= 80 })
    }
}
