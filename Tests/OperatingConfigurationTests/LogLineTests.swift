import JSON
import Logging
import Testing

@testable import OperatingLog

#if canImport(Darwin)
    import Darwin
#else
    import Glibc
#endif

@Suite struct LogLineTests {
    static func line(_ message: String, _ metadata: Logger.Metadata) -> LogLine {
        LogLine(milliseconds: 1_795_443_864_123, level: .info, label: "router", message: message, metadata: metadata)
    }

    @Test func textIsOneLineWhateverComes() {
        let line = Self.line("admitted\nforged", ["event": "webhook:1", "reason": "two\nlines \u{1B}[2J"])
        #expect(
            line.text
                == #"2026-11-23T14:24:24.123Z info    router: admitted forged event=webhook:1 reason="two\nlines \u001b[2J""#
        )
    }

    @Test func jsonIsAnObjectWithTypes() throws {
        let line = Self.line(
            "admitted", ["count": "\(3)", "number": .stringConvertible(7), "time": "mine", "list": ["a", "b"]])
        let value = try JSONValue(parsing: line.json)
        #expect(value["process"] == "router")
        #expect(value["number"] == 7)
        #expect(value["meta_time"] == "mine")
        #expect(value["list"] == ["a", "b"])
    }

    @Test(arguments: ["token", "bot_token", "clientSecret", "PASSWORD", "source_key", "Authorization"])
    func whatIsNamedLikeASecretIsRedacted(_ key: String) {
        let line = Self.line("x", [key: "hunter2", "nested": ["inner": ["deep_\(key)": "hunter2"]]])
        #expect(!line.text.contains("hunter2") && !line.json.contains("hunter2"))
    }

    @Test func aWrappedSecretNeverShows() {
        let secret = Secret("hunter2")
        let line = Self.line("x", ["value": .stringConvertible(secret)])
        #expect(line.json.contains("[redacted]") && !line.json.contains("hunter2"))
        #expect(!"\(secret)\(String(reflecting: secret))".contains("hunter2"))
        var dumped = ""
        dump(secret, to: &dumped)
        #expect(!dumped.contains("hunter2"))
    }

    @Test func aPipeThatNobodyReadsStopsNothing() throws {
        var ends: [Int32] = [-1, -1]
        try #require(pipe(&ends) == 0)
        let output = LogOutput(file: ends[1])
        let long = String(repeating: "é", count: 3_000)
        for _ in 0..<200 { output.write(long) }
        var chunk = [UInt8](repeating: 0, count: 1 << 20)
        let count = read(ends[0], &chunk, chunk.count)
        #expect(count > 0)
        output.write("after")
        let rest = read(ends[0], &chunk, chunk.count)
        let text = String(decoding: chunk[..<rest], as: UTF8.self)
        #expect(text.contains("were dropped") && text.hasSuffix("after\n"))
        close(ends[0])
        close(ends[1])
    }

    @Test func aLongLineIsCutBetweenCharacters() throws {
        var ends: [Int32] = [-1, -1]
        try #require(pipe(&ends) == 0)
        LogOutput(file: ends[1]).write("a" + String(repeating: "é", count: 4_000))
        var chunk = [UInt8](repeating: 0, count: 1 << 16)
        let count = read(ends[0], &chunk, chunk.count)
        #expect(count <= LogOutput.lineLimit)
        #expect(String(validating: chunk[..<count], as: UTF8.self)?.hasSuffix("é\n") == true)
        close(ends[0])
        close(ends[1])
    }
}
