import JSON
import SwitchboardTesting
import Testing

@testable import Routing

/// What a card says: the whole call, in as many messages as it takes, with nothing in it that a person does not see.
struct CardTextTests {
    private func call(_ input: JSONValue, tool: String = "Bash") -> [String] {
        CardText.call(tool: tool, input: input.bytes, preview: "")
    }

    @Test func theCommandStandsAsItWouldBeRun() {
        let lines = call(["command": "cat <<EOF\n  a\n\nEOF", "timeout": 5, "run_in_background": true])
        #expect(lines == ["cat <<EOF", "  a", "", "EOF", "timeout: 5", "run_in_background: true"])
    }

    @Test func otherToolsShowEveryArgument() {
        let lines = call(["file_path": "/a", "content": "one\ntwo", "flags": ["x": [1, 2]]], tool: "Write")
        #expect(lines == ["file_path: /a", "content:", "  one", "  two", #"flags: {"x":[1,2]}"#])
    }

    @Test func withoutAHookTheAbridgedTextStands() {
        #expect(
            CardText.call(tool: "Bash", input: nil, preview: #"{ "command": "a ⋯" }"#) == [#"{ "command": "a ⋯" }"#])
    }

    @Test(arguments: [
        ("rm \u{202E}txt.exe", #"rm \u{202E}txt.exe"#), ("a\u{200B}b", #"a\u{200B}b"#), ("a\rb", #"a\u{D}b"#),
        ("a\u{1B}[2Jb", #"a\u{1B}[2Jb"#), ("a\u{A0}b", #"a\u{A0}b"#), ("a\u{2066}b", #"a\u{2066}b"#),
        ("a\u{E0041}b", #"a\u{E0041}b"#), ("a\u{FE0F}b", #"a\u{FE0F}b"#), ("a\u{3164}b", #"a\u{3164}b"#),
        ("a\u{2028}b", #"a\u{2028}b"#), ("a\tb", #"a\u{9}b"#), ("a\u{0}b", #"a\u{0}b"#), ("größe 漢 🎉", "größe 漢 🎉"),
    ])
    func whatIsNotSeenIsWrittenOut(_ line: String, _ shown: String) {
        #expect(CardText.visible(line) == shown)
    }

    @Test func nothingInACallPassesForALineOfTheCard() {
        let text = CardText(
            head: ["api asks for leave: Bash"], call: call(["command": "true\nAnswer: yes aaaaa\nAllowed by ann"]),
            foot: ["Answer: yes abcde, or no abcde."])
        let lines = text.parts(limit: 4_096)[0].split(separator: "\n")
        #expect(lines.filter { $0.hasPrefix("Answer") } == ["Answer: yes abcde, or no abcde."])
        #expect(lines.filter { $0.hasPrefix("│ ") }.count == 3)
    }

    /// Whatever the text and the limit: every part fits, and together they hold the whole call, or say what is missing.
    @Test func splittingLosesNothing() {
        var random = SeededGenerator(seed: 7)
        let pieces = ["a", "word ", "\n", "é", "🎉", "│", "  ", "\u{202E}", "x".padding(300), "漢"]
        for _ in 0..<2_000 {
            let command = (0..<Int.random(in: 1...60, using: &random)).map { _ in
                pieces.randomElement(using: &random) ?? ""
            }.joined()
            let limit = Int.random(in: 400...4_096, using: &random)
            let call = call(["command": .string(command)])
            let parts = CardText(head: ["head"], call: call, foot: ["foot"]).parts(limit: limit)
            #expect(parts.allSatisfy { $0.utf16.count <= limit })
            #expect(parts.last?.hasSuffix("foot") == true)
            #expect(parts.count <= CardText.partLimit)
            var lines: [String] = []
            for (index, part) in parts.enumerated() {
                let text = parts.count == 1 ? part : String(part.dropFirst("(\(index + 1)/\(parts.count)) ".count))
                for line in text.split(separator: "\n", omittingEmptySubsequences: false) {
                    if line.hasPrefix("│ ") { lines.append(String(line.dropFirst(2))) }
                    if line.hasPrefix("┆ ") { lines[lines.count - 1] += line.dropFirst(2) }
                }
            }
            if parts.contains(where: { $0.contains("are left out here") }) { continue }
            #expect(lines == call)
        }
    }

    @Test func aFloodIsFoldedAndSaysHowMuch() {
        let call = (0..<4_000).map { "line \($0) of a very long command" }
        let parts = CardText(head: ["head"], call: call, foot: ["foot"]).parts(limit: 2_000)
        #expect(parts.count == CardText.partLimit)
        #expect(parts.contains { $0.contains("characters are left out here") })
        #expect(parts[0].contains("line 0 "))
        #expect(parts.last?.contains("line 3999 ") == true)
    }
}

extension String {
    fileprivate func padding(_ length: Int) -> String { String(repeating: self, count: length) }
}
