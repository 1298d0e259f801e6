import Testing

@testable import AdapterKit

@Suite struct SettingShapeTests {
    private let shape = SettingShape.object([
        Setting("listen", .text, "address"),
        Setting("limit", .integer(1...10), "a limit", isRequired: true),
        Setting("routes", .map(.object([Setting("secret", .oneOrMore(.secret), "token")])), "routes"),
    ])

    private func found(_ value: JSONValue) -> [String] { shape.problems(in: value).map { "\($0.path) \($0.code)" } }

    @Test func namesAllProblemsAtTheirPlaces() {
        #expect(
            found(["limit": 3, "routes": ["ci": ["secret": "env:A"], "cd": ["secret": ["file:x", "env:B"]]]]).isEmpty)
        #expect(found([:]) == ["limit missing"])
        #expect(found(["limit": 11, "listen": 7]) == ["limit range", "listen wrong-type"])
        #expect(
            found(["limit": 1, "routes": ["ci": ["secret": ["env:A", "hunter2"]]]]) == ["routes.ci.secret[1] secret"])
        #expect(found(["limit": 1, "routes": ["ci": ["secret": []]]]) == ["routes.ci.secret wrong-type"])
        #expect(found([1]) == [" wrong-type"])
    }

    @Test func anUnknownKeyIsToldItsNearest() {
        let problems = shape.problems(in: ["limit": 1, "lisen": "x"])
        #expect(problems.map(\.mend) == ["did you mean listen?"])
        #expect(
            shape.problems(in: ["limit": 1, "zzzzzz": "x"]).first?.mend == "the keys here are listen, limit, routes")
    }

    @Test func aSecretIsNeverRepeated() {
        let problems = shape.problems(in: ["limit": 1, "routes": ["ci": ["secret": "hunter2"]]])
        #expect(problems.count == 1)
        #expect(!problems.description.contains("hunter2"))
    }
}

@Suite struct AdapterCommandLineTests {
    @Test func understandsItsWords() throws {
        #expect(try AdapterCommandLine([]).word == .run)
        #expect(try AdapterCommandLine(["--json", "describe"]).isJSON)
        #expect(try AdapterCommandLine(["check", "--json", "--settings", "{}"]).word == .check(settings: "{}"))
        #expect(try AdapterCommandLine(["init"]).word == .questions)
        for wrong in [["run!"], ["describe", "x"], ["check", "--settings"]] {
            #expect(throws: AdapterCommandLine.UsageError.self) { try AdapterCommandLine(wrong) }
        }
    }
}
