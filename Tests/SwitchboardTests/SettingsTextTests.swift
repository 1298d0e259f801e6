import JSON
import Testing

@testable import switchboard

@Suite struct SettingsTextTests {
    func add(_ text: String, _ members: JSONObject = ["token": "env:T"], to section: String = "adapters") throws
        -> String
    {
        var settings = SettingsText(text)
        try settings.add("chat", members, to: section)
        return settings.text
    }

    static let entry = "  chat:\n    token: \"env:T\"\n"

    @Test func anEmptyFileGetsTheSection() throws {
        #expect(try add("") == "adapters:\n" + Self.entry)
        #expect(try add("log: {}\n") == "log: {}\n\nadapters:\n" + Self.entry)
    }

    @Test func aBlockGrowsAtItsEnd() throws {
        let before = "# mine\nadapters:   # all\n  webhook:\n    listen: a:1   # here\n\n# rest\naccess: {}\n"
        #expect(
            try add(before)
                == "# mine\nadapters:   # all\n  webhook:\n    listen: a:1   # here\n\(Self.entry)\n# rest\naccess: {}\n"
        )
        #expect(
            try add("adapters:\n    webhook: {}\n") == "adapters:\n    webhook: {}\n    chat:\n      token: \"env:T\"\n"
        )
        #expect(try add("adapters:\n") == "adapters:\n" + Self.entry)
    }

    @Test func aLineOfBracesGrowsInside() throws {
        #expect(
            try add("adapters: { webhook: {} } # all\n")
                == "adapters: { chat: {\"token\":\"env:T\"}, webhook: {} } # all\n")
        #expect(try add("adapters: {}\n") == "adapters: { chat: {\"token\":\"env:T\"}}\n")
    }

    @Test func otherFormsAreLeftAlone() {
        #expect(throws: CommandFailure.self) { try add("adapters: &anchor\n  webhook: {}\n") }
        #expect(throws: CommandFailure.self) { try add("adapters: {\n  webhook: {} }\n") }
    }

    @Test func nestedValuesStandInOneLine() throws {
        #expect(
            try add("", ["allow": ["42"], "groups": ["-1": ["require_mention": true]]], to: "access")
                == "access:\n  chat:\n    allow: [\"42\"]\n    groups: {\"-1\":{\"require_mention\":true}}\n")
    }
}
