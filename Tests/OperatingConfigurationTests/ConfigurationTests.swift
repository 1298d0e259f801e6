import AccessControl
import ChannelEvents
import JSON
import OperatingConfiguration
import Testing

/// What a right file means, and what every wrong one is told.
@Suite struct ConfigurationTests {
    static func problems(_ yaml: String) -> [ConfigurationProblem] {
        do throws(ConfigurationError) {
            _ = try Configuration(yaml: yaml, file: "test.yaml")
            return []
        } catch {
            return error.problems
        }
    }

    @Test func withoutAFileAWebhookRuns() throws {
        let configuration = try Configuration.defaults()
        #expect(configuration.adapters.map(\.name.text) == ["webhook"])
        #expect(configuration.adapters.map(\.kind) == ["webhook"])
        #expect(configuration.adapters.allSatisfy { $0.isEnabled })
        #expect(configuration.routes.isEmpty)
        #expect(configuration.delivery.attachSettle == 3_000)
        #expect(configuration.delivery.firstPushWait == 5_000)
        #expect(configuration.retention.textDays == 30)
        #expect(configuration.retention.idDays == 90)
        #expect(configuration.remote == nil)
    }

    @Test(arguments: ["", "\n", "# only a comment\n", "adapters:\n", "delivery:\n  # attach_settle: 1s\n", "---\n"])
    func nothingSaidIsTheDefault(_ yaml: String) throws {
        let configuration = try Configuration(yaml: yaml, file: "test.yaml")
        if yaml.hasPrefix("adapters") {
            #expect(configuration.adapters.isEmpty)
        } else {
            let defaults = try Configuration.defaults()
            #expect(configuration == defaults)
        }
    }

    @Test func valuesAreRead() throws {
        let configuration = try Configuration(
            yaml: """
                adapters:
                  webhook: { listen: "127.0.0.1:9000", routes: { ci: { secret: "env:CI_SECRET" } } }
                  second: { kind: webhook, enabled: false, limit: 5, ratio: 0.5, on: yes }
                access:
                  second: { allow: ["42", 43, -1001654782309, 007], trust_loopback: false }
                routes:
                  - { match: { conversation: "webhook:ci/7", sender: 42 }, to: api }
                  - { to: web }
                delivery: { attach_settle: 500ms, first_push_wait: 1m }
                retention: { text_days: 7, id_days: 7 }
                log: { format: json, level: debug }
                """, file: "test.yaml")
        let second = try #require(configuration.adapters.last)
        #expect(second.kind == "webhook")
        #expect(!second.isEnabled)
        #expect(second.settings == ["limit": 5, "ratio": .number(0.5), "on": "yes"])
        #expect(configuration.adapters[0].settings["routes"]?["ci"]?["secret"] == "env:CI_SECRET")
        let policy = try #require(SourceName("second").flatMap { configuration.access.sources[$0] })
        #expect(policy.allow == ["42", "43", "-1001654782309", "007"])
        #expect(!policy.trustsLoopback)
        #expect(configuration.routes.map(\.target) == [.session("api"), .session("web")])
        #expect(configuration.routes[0].conversation?.thread == "7")
        #expect(configuration.routes[0].sender == "42")
        #expect(configuration.routes[1].source == nil)
        #expect(configuration.delivery.attachSettle == 500)
        #expect(configuration.delivery.firstPushWait == 60_000)
        #expect(configuration.log.format == "json")
    }

    @Test func effectiveConfigurationReadsBackAsItself() throws {
        let yaml = "adapters: { webhook: { listen: x }, b: { kind: webhook } }\nroutes: [{ to: api }]\n"
        let configuration = try Configuration(yaml: yaml, file: "test.yaml")
        let again = try Configuration(yaml: configuration.effective.text, file: "effective.json")
        #expect(again == configuration)
    }

    @Test(arguments: [
        ("retension: {}", 1, 1, ConfigurationProblem.Code.unknownKey, "`retention`"),
        ("delivery:\n  atach_settle: 3s", 2, 3, .unknownKey, "`attach_settle`"),
        ("access: { webhook: { alow: [] } }", 1, 22, .unknownKey, "`allow`"),
        ("access: { webhook: { allow: [\"@ann\"] } }", 1, 30, .badValue, "is a name"),
        ("access: { webhook: { approvers: [\"Ann B\"] } }", 1, 34, .badValue, "white space"),
        ("access: { webhook: { dm_policy: open } }", 1, 33, .badValue, "pairing"),
        ("access: { webhook: { groups: { g: { mention_patterns: [\"**\"] } } } }", 1, 56, .badValue, "with *"),
        ("access: { webhook: { allow: [\"ann#1234\"] } }", 1, 30, .badValue, "is a name"),
        ("access: { webhook: { sessions: [{ to: [] }] } }", 1, 20, .badValue, "at least one label"),
        ("access: { webhook: { sessions: [{ sender: 4 }] } }", 1, 33, .missingKey, "`to`"),
        ("access: { webhook: { groups: { g: { sessions: [] } } } }", 1, 20, .badValue, "at least one label"),
        ("people: { ann: { addresses: [\"chat:1\"] } }", 1, 16, .badValue, "no adapter named chat"),
        (
            "people: { ann: { owner: true, addresses: [] }, bob: { owner: true, addresses: [] } }", 1, 53, .badValue,
            "ann is the owner"
        ),
        (
            "people: { ann: { addresses: [\"webhook:1\"] }, bob: { addresses: [\"webhook:1\"] } }", 1, 51, .badValue,
            "given to ann"
        ),
        ("people: { ann: {} }", 1, 16, .missingKey, "addresses"),
        ("people: { ann: { addresses: [\"@ann\"] } }", 1, 30, .badValue, "source:id"),
        ("door: { listen: 127.0.0.1:8442 }", 1, 1, .notSupported, "not supported yet"),
        ("delivery: { attach_settle: 3 }", 1, 28, .badValue, "3s"),
        ("delivery: { attach_settle: 2h }", 1, 28, .badValue, "at most 1m"),
        ("retention: { text_days: 0 }", 1, 25, .badValue, "from 1"),
        ("retention: { text_days: many }", 1, 25, .badValue, "whole number"),
        ("access: { webhook: { trust_loopback: yes } }", 1, 38, .badValue, "true or false"),
        ("access: { webhook: { allow: 42 } }", 1, 29, .badValue, "list"),
        ("access: { webhok: {} }", 1, 19, .badValue, "`webhook`"),
        ("routes: [{ match: { source: webhook } }]", 1, 10, .missingKey, "`to`"),
        ("routes: [{ match: { conversation: ci }, to: api }]", 1, 35, .badValue, "source:chat"),
        ("routes: [{ match: {} }]", 1, 10, .missingKey, "`to` is missing"),
        ("routes: [{ to: api, hold: true }]", 1, 10, .badValue, "do not go together"),
        ("routes: [{ to: api }, { first_idle: [] }]", 1, 23, .badValue, "names no session"),
        ("adapters: { Web_Hook: {} }", 1, 13, .badValue, "source name"),
        ("adapters: { webhook: 5 }", 1, 22, .badValue, "keys with values"),
        ("log: { format: xml }", 1, 16, .badValue, "text, json"),
        ("router: { listen: tcp://0.0.0.0:8440 }", 1, 9, .missingKey, "CURVE"),
        ("router: { listen: 8440 }", 1, 19, .badValue, "tcp://"),
        ("router: { secret_key: abcdef }", 1, 23, .literalSecret, "env:NAME"),
        ("retention: { text_days: 30, id_days: 10 }", 1, 38, .badValue, "at least text_days"),
        ("log: {}\nlog: {}", 1, 1, .duplicateKey, "log"),
        ("adapters: [\n", 2, 1, .syntax, "YAML"),
        ("<<: {}", 1, 1, .badValue, "merge"),
    ])
    func everyMistakeHasItsPlace(
        _ yaml: String, line: Int, column: Int, code: ConfigurationProblem.Code, words: String
    ) {
        let problems = Self.problems(yaml)
        #expect(problems.contains { $0.code == code && $0.text.contains(words) }, "\(problems)")
        let problem = problems.first { $0.code == code }
        if code != .duplicateKey {
            #expect(problem?.line == line)
            #expect(problem?.column == column)
        }
    }

    @Test func aRouteChoosesInOneOfFourWays() throws {
        let yaml = """
            routes:
              - { match: { thread: 7, text: "prod*down" }, first_idle: [ops, api], urgent: true }
              - { match: { kind: alert }, all: [api, web] }
              - { all: [] }
              - { hold: true, match: { conversation: "webhook:later" } }
              - { match: { sender: "42" }, urgent: true }
            """
        let routes = try Configuration(yaml: yaml, file: "test").routes
        #expect(
            routes.map(\.target) == [.firstIdle(["ops", "api"]), .all(["api", "web"]), .all([]), .hold, nil])
        #expect(routes.map(\.isUrgent) == [true, false, false, false, true])
        #expect(routes[0].thread == "7")
        #expect(routes[0].text?.matches("PROD-7 is down") == true)
    }

    @Test func allProblemsAreToldAtOnceInOrder() {
        let problems = Self.problems("log: { level: loud }\nretension: {}\nroutes: [{ tu: api }, 5]\n")
        #expect(problems.map(\.line) == [1, 2, 3, 3])
    }

    @Test(arguments: ["token", "bot_token", "secret", "password", "api_key", "signing_key"])
    func literalSecretsAreRefusedUnread(_ key: String) {
        let literal = "123456:AAE-very-secret"
        let problems = Self.problems("adapters:\n  chat:\n    nested:\n      - { \(key): \"\(literal)\" }\n")
        #expect(problems.map(\.code) == [.literalSecret])
        #expect(problems.map(\.line) == [4])
        #expect(problems.allSatisfy { !$0.text.contains("very-secret") && $0.text.contains("secrets.env") })
        #expect(Self.problems("adapters: { chat: { \(key): 12345 } }").map(\.code) == [.literalSecret])
        #expect(Self.problems("adapters: { chat: { \(key): \"env:NAME\" } }").isEmpty)
        #expect(Self.problems("adapters: { chat: { \(key): \"file:chat.token\" } }").isEmpty)
    }

    @Test func remoteNeedsAllOfItsKeys() throws {
        let key = String(repeating: "a", count: 40)
        let configuration = try Configuration(
            yaml: """
                router:
                  listen: tcp://0.0.0.0:8440
                  public_key: \(key)
                  secret_key: file:router.key
                  peers: [{ public_key: \(key), role: endpoint, name: laptop }]
                """, file: "test.yaml")
        #expect(configuration.remote?.secretKeyReference == "file:router.key")
        #expect(configuration.remote?.peers.map(\.role) == ["endpoint"])
        let bad = Self.problems("router: { peers: [{ public_key: short, role: king, name: x }] }")
        #expect(bad.map(\.code) == [.badValue, .badValue])
    }

    @Test func aliasesCannotGrowWithoutEnd() {
        let lines = (1...12).map { level in
            let element = level == 1 ? "x" : "*a\(level - 1)"
            return "  a\(level): &a\(level) [\((0..<9).map { _ in element }.joined(separator: ","))]"
        }
        let problems = Self.problems("adapters:\n chat:\n" + lines.joined(separator: "\n"))
        #expect(!problems.isEmpty)
    }

    @Test func randomTextNeverStopsTheReader() {
        var generator = SplitMix(state: 42)
        let words = [
            "adapters", ":", " ", "\n", "  ", "{", "}", "[", "]", "\"", "'", "-", "&a", "*a", "!!int", "|", ">",
            "webhook", "\t", "\u{0}", "é", "%", "?",
        ]
        for _ in 0..<2_000 {
            let text = (0..<Int.random(in: 0...20, using: &generator)).map { _ in
                words.randomElement(using: &generator) ?? ""
            }
            for problem in Self.problems(text.joined()) {
                #expect(problem.line >= 1 && problem.column >= 1)
            }
        }
    }
}

/// A small seeded generator: a failure can be repeated.
struct SplitMix: RandomNumberGenerator {
    var state: UInt64
    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var value = state
        value = (value ^ (value >> 30)) &* 0xBF58_476D_1CE4_E5B9
        value = (value ^ (value >> 27)) &* 0x94D0_49BB_1331_11EB
        return value ^ (value >> 31)
    }
}
