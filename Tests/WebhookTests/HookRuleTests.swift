import AdapterKit
import SwitchboardTesting
import Testing

@testable import switchboard_webhook

@Suite struct JSONPathTests {
    private let json: JSONValue = [
        "a": ["b": [["c": "deep"], ["c": 7]], "x.y": true, "": "none"], "list": [1, 2], "null": nil,
    ]

    @Test(
        arguments: [
            ("$", nil), ("$.a.b[0].c", "deep"), ("a.b[1].c", "7"), ("$.a[\"x.y\"]", "true"),
            ("$[\"a\"].b[0].c", "deep"),
            ("a[\"\"]", "none"), ("list[1]", "2"), ("list[2]", nil), ("a.b.c", nil), ("null", nil),
            ("nothing.here", nil),
        ] as [(String, String?)]) func finds(_ path: String, _ word: String?) throws
    {
        #expect(try #require(JSONPath(path)).word(in: json) == word)
    }

    @Test(arguments: [
        "$a", "a.", ".a", "a..b", "a[", "a[]", "a[x]", "a[-1]", "a[\"b]", "a[\"b\"", "a]b", "$.", "a[0]b",
        "a[9999999999]", String(repeating: "a.", count: 40) + "a", String(repeating: "a", count: 600),
    ]) func refusesWhatIsNone(_ path: String) { #expect(JSONPath(path) == nil) }

    /// Whatever is written: no crash, and what is taken can be looked up.
    @Test func anyTextIsAPathOrNot() {
        var generator = SeededGenerator(seed: 3)
        let signs = Array("$.a[]\"0 9bü*\\")
        for _ in 0..<20_000 {
            let length = Int.random(in: 0...14, using: &generator)
            let text = String((0..<length).compactMap { _ in signs.randomElement(using: &generator) })
            _ = JSONPath(text)?.word(in: json)
        }
    }
}

@Suite struct HookFilterTests {
    @Test(arguments: [
        ("*", "", true), ("*", "x", true), ("a*", "abc", true), ("a*", "ba", false), ("*c", "abc", true),
        ("a*c", "ac", true), ("a*a", "a", false), ("a*b*c", "a-b-c", true), ("a*b*c", "a-c-b", false),
        ("**", "x", true), ("", "", true), ("", "x", false), ("abc", "abc", true), ("ABC", "abc", false),
    ]) func aStarStandsForAnything(_ pattern: String, _ word: String, _ fits: Bool) {
        #expect(WordPattern(pattern).matches(word) == fits)
    }

    @Test func conditionsHoldOnlyWhereSomethingStands() throws {
        let json: JSONValue = ["action": "opened", "n": 5, "gone": nil]
        func filter(_ path: String, _ wanted: [String] = [], not unwanted: [String] = [], exists: Bool? = nil) throws
            -> Bool
        {
            HookFilter(
                path: try #require(JSONPath(path)), wanted: wanted.map { WordPattern($0) },
                unwanted: unwanted.map { WordPattern($0) }, exists: exists
            ).holds(json)
        }
        #expect(try filter("action", ["closed", "open*"]))
        #expect(try !filter("action", ["closed"]))
        #expect(try filter("n", ["5"]))
        #expect(try !filter("missing", ["*"]))
        #expect(try filter("missing", not: ["*"]))
        #expect(try !filter("action", not: ["op*"]))
        #expect(try filter("action", exists: true))
        #expect(try filter("gone", exists: false))
        #expect(try !filter("n", exists: false))
    }
}

@Suite struct HookTemplateTests {
    private func text(_ template: String, _ json: JSONValue, values: [String: String] = [:]) throws -> String? {
        let paths = try values.map { (name: $0.key, path: try #require(JSONPath($0.value))) }
        return try HookTemplate(template, values: paths).text(of: json)
    }

    @Test(
        arguments: [
            ("{{service}} is {{status}}", "api is down & out"), ("{{alerts.1.labels.host}}", "db2"), ("{{count}}", "3"),
            ("{{#alerts}}{{labels.host}} {{/alerts}}", "db1 db2"), ("{{^nothing}}quiet{{/nothing}}", "quiet"),
            ("{{#ok}}yes{{/ok}}{{^ok}}no{{/ok}}", "no"), ("{{host}}", "db1"), ("{{missing}}", nil),
            ("{{{status}}}", "down & out"), ("{{uppercased(service)}}", "API"), ("{{alerts.7.x}}{{null}}", nil),
            ("a{{! not shown }}b", "ab"), ("{{labels}}", #"{"a b":"c"}"#),
        ] as [(String, String?)]) func rendersWhatThePathsName(_ template: String, _ expected: String?) throws
    {
        let json: JSONValue = [
            "service": "api", "status": "down & out", "count": 3, "ok": false, "null": nil, "labels": ["a b": "c"],
            "alerts": [["labels": ["host": "db1"]], ["labels": ["host": "db2"]]],
        ]
        #expect(try text(template, json, values: ["host": "$.alerts[0].labels[\"host\"]"]) == expected)
    }

    @Test(arguments: [
        "{{", "{{a", "{{#a}}", "{{/a}}", "{{#a}}{{/b}}", "{{> partial}}", "{{$block}}x{{/block}}", "{{=<% %>=}}",
        "{{% CONTENT_TYPE:HTML}}", "{{<parent}}{{/parent}}", "{{{a}}", "{{#a}}{{#a}}{{#a}}{{#a}}{{#a}}{{/a}}{{/a}}",
        String(repeating: "x", count: 9_000),
    ]) func refusesWhatCannotBeMeant(_ template: String) {
        #expect(throws: HookTemplate.Malformed.self) { try HookTemplate(template) }
    }

    /// A sender chooses the values: they stay on their line, without control characters, and end somewhere.
    @Test func valuesStayOnTheirLine() throws {
        let hostile: JSONValue = [
            "v": .string("a\nb\u{1B}[2J\u{202E}c\r" + String(repeating: "x", count: 10_000)),
            "list": .array(Array(repeating: ["s": .string(String(repeating: "y", count: 1_000))], count: 5_000)),
        ]
        let line = try #require(try text("v: {{v}}!", hostile))
        #expect(line.hasPrefix("v: a b [2Jc") && line.hasSuffix("…!"))
        #expect(!line.contains("\n") && line.utf8.count < 600)
        let many = try #require(try text("{{#list}}{{s}}\n{{/list}}", hostile))
        #expect(many.utf8.count <= HookTemplate.byteLimit)
        #expect(many.split(separator: "\n").count <= HookTemplate.elementLimit + 1)
        // Every list inside every other: bounded, too.
        let deep = try text("{{#list}}{{#list}}{{#list}}{{#list}}.{{/list}}{{/list}}{{/list}}{{/list}}", hostile)
        #expect((deep?.utf8.count ?? 0) <= HookTemplate.byteLimit)
    }

    /// Whatever template and body: an error or a bounded text, never a crash.
    @Test func anyTemplateIsRefusedOrRenders() throws {
        var generator = SeededGenerator(seed: 11)
        let parts = [
            "{{", "}}", "{{{", "}}}", "#", "^", "/", "&", "!", "a", "b.c", ".", " ", "\n", "x", "(", ")", "reversed(",
            "ü",
            "{{#a}}", "{{/a}}", "{{a}}", "{{.}}", "{{first()}}", "\\", "0", "{{#b}}", "{{/b}}", "{{^a}}",
            "{{sorted(a)}}",
        ]
        let bodies: [JSONValue] = [
            ["a": [1, "two", ["b": nil]], "b": ["c": true]], [["a": "x"]], "text", 7, nil, ["a": ["a": ["a": []]]],
        ]
        for _ in 0..<20_000 {
            let count = Int.random(in: 0...10, using: &generator)
            let template = (0..<count).compactMap { _ in parts.randomElement(using: &generator) }.joined()
            do throws(HookTemplate.Malformed) {
                let template = try HookTemplate(template)
                for body in bodies { #expect((template.text(of: body)?.utf8.count ?? 0) <= HookTemplate.byteLimit) }
            } catch {
                #expect(error.message.utf8.count < 400)
            }
        }
    }
}

@Suite struct HookRuleSettingsTests {
    private func rule(_ settings: JSONValue) -> (HookRule, [AdapterProblem]) {
        var problems: [AdapterProblem] = []
        return (HookRule(settings, path: "routes.ci", problems: &problems), problems)
    }

    @Test func aHomeMadeSenderGetsAlertsWithABeginningAndAnEnd() {
        let (rule, problems) = rule([
            "template": "{{host}} {{state}}", "dedup": ["id"],
            "alert": ["fingerprint": ["host"], "resolved": ["path": "state", "is": "ok"]],
        ])
        #expect(problems.isEmpty)
        func notice(_ json: JSONValue) -> HookNotice {
            var notice = HookNotice(identity: "own", body: EventBody(text: "raw", original: json))
            rule.apply(to: &notice, json)
            return notice
        }
        let first = notice(["host": "db1", "state": "down", "id": "1"])
        let end = notice(["host": "db1", "state": "ok", "id": "1"])
        #expect(first.body.text == "db1 down")
        #expect(first.kind == .alert && first.state == .firing && end.state == .resolved)
        #expect(first.fingerprint == end.fingerprint)
        #expect(first.identity != end.identity)
        // Half a name is nobody's.
        let nameless = notice(["state": "down"])
        #expect(nameless.fingerprint == nil && nameless.identity == "own")
    }

    @Test(
        arguments: [
            (["filters": [["path": "a"]]], "routes.ci.filters[0]"),
            (["filters": [["path": "a..b", "is": "x"]]], "routes.ci.filters[0].path"),
            (["template": "{{"], "routes.ci.template"), (["values": ["x": "a"]], "routes.ci.values"),
            (["template": "x", "values": ["x": "$a"]], "routes.ci.values.x"), (["dedup": ["a", ""]], nil),
            (["alert": ["fingerprint": ["a["]]], "routes.ci.alert.fingerprint[0]"),
        ] as [(JSONValue, String?)]) func whatIsWrongIsNamed(_ settings: JSONValue, _ path: String?)
    {
        #expect(rule(settings).1.map(\.path) == (path.map { [$0] } ?? []))
    }
}

@Suite struct HookBudgetTests {
    @Test func aMinuteTakesSoMany() throws {
        let budget = HookBudget()
        let ci = try #require(HookName("ci"))
        let other = try #require(HookName("other"))
        for time in 0..<3 { #expect(budget.take(ci, limit: 3, now: 1_000 + Int64(time)) == nil) }
        #expect(budget.take(ci, limit: 3, now: 31_000) == 30_000)
        #expect(budget.take(other, limit: 3, now: 31_000) == nil)
        #expect(budget.take(ci, limit: 3, now: 61_000) == nil)
        #expect(budget.take(ci, limit: 1, now: 61_001) != nil)
        // Set back, a clock must not close a route for hours.
        #expect(budget.take(ci, limit: 1, now: 5) == nil)
    }
}

@Suite struct HookRecordTests {
    private func head(_ id: String, _ state: AlertState?, fingerprint: String? = "f") -> EventHead {
        EventHead(id: id, chat: "ci", sender: "s", fingerprint: fingerprint, state: state, time: 0)
    }

    @Test func anEndAnswersItsBeginning() {
        var record = HookRecord()
        func related(_ id: String, _ state: AlertState?, _ fingerprint: String = "f") -> String? {
            var head = head(id, state, fingerprint: fingerprint)
            record.relate(&head)
            return head.replyTo
        }
        #expect(related("1", .firing) == nil)
        #expect(related("1", .firing) == nil)
        #expect(related("2", .firing) == "1")
        #expect(related("3", nil) == nil)
        #expect(related("4", .resolved, "other") == nil)
        #expect(related("5", .resolved) == "1")
        #expect(related("6", .resolved) == nil)
        #expect(related("7", .firing) == nil)
    }

    @Test func itComesBackFromItsCursorAndIsBounded() throws {
        var record = HookRecord()
        for number in 0..<200 {
            var head = head("\(number)", .firing, fingerprint: "f\(number)")
            record.relate(&head)
            record.call(back: "https://example.org/\(number)", for: "e\(number)")
        }
        record.pause(try #require(HookName("ci")), until: nil)
        record.pause(try #require(HookName("b")), until: 5)
        #expect(record.alerts.count == HookRecord.alertLimit && record.callbacks.count == HookRecord.callbackLimit)
        #expect(HookRecord(record.cursor) == record)
        #expect(record.callback(for: "e199") == "https://example.org/199")
        #expect(record.callback(for: "e0") == nil)
        for other in [nil, "text", [1], ["paused": 1, "alerts": [[1]]]] as [JSONValue?] {
            #expect(HookRecord(other) == HookRecord())
        }
    }

    @Test func aPauseEndsByItself() throws {
        var record = HookRecord()
        let ci = try #require(HookName("ci"))
        record.pause(ci, until: 10_000)
        #expect(record.pause(of: ci, now: 4_000) == 6_000)
        #expect(record.pause(of: ci, now: 10_000) == nil)
        record.pause(ci, until: nil)
        #expect(record.pause(of: ci, now: .max) != nil)
        record.resume(ci)
        #expect(record.pause(of: ci, now: 0) == nil)
    }
}
