import JSON
import ModelContextProtocol
import Testing

/// No input may crash the connection, open it by accident, or make it say something that is no line of JSON.
@Suite("Fuzz")
struct ConnectionFuzzTests {
    private static let corpus: [String] = [
        #"{"method":"server/discover","params":{"_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28"}},"jsonrpc":"2.0","id":"p"}"#,
        #"{"jsonrpc":"2.0","id":0,"method":"initialize","params":{"protocolVersion":"2025-11-25","clientInfo":{"name":"c","version":"1"}}}"#,
        #"{"jsonrpc":"2.0","method":"notifications/initialized"}"#,
        #"{"jsonrpc":"2.0","id":1,"method":"tools/list","params":{"cursor":null}}"#,
        #"{"jsonrpc":"2.0","id":"x","method":"tools/call","params":{"name":"echo","arguments":{"text":"a\u00e9\ud83d\ude00","times":2},"_meta":{"progressToken":1}}}"#,
        #"{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":"x"}}"#,
        #"[{"jsonrpc":"2.0","id":1,"method":"ping"},{"a":[1,2.5e3,-0,null,true,false,{}]}]"#,
    ]

    @Test("Mutated lines", arguments: 0..<40 as Range<UInt64>)
    func mutations(seed: UInt64) throws {
        var generator = SeededGenerator(seed: seed)
        var connection = seed % 2 == 0 ? ServerConnection.make() : ServerConnection.opened()
        for _ in 0..<500 {
            var bytes = Array((Self.corpus.randomElement(using: &generator) ?? "").utf8)
            for _ in 0..<Int.random(in: 0...6, using: &generator) { mutate(&bytes, &generator) }
            for action in connection.receive(line: bytes) {
                switch action {
                case .send(let line): try check(line)
                case .call(let call):
                    #expect(connection.isOpen)
                    if Bool.random(using: &generator), let line = connection.finish(call.id, ToolResult(["ok"])) {
                        try check(line)
                    }
                case .opened, .cancelled, .notified: break
                }
            }
        }
    }

    private func check(_ line: [UInt8]) throws {
        #expect(line.last == 0x0A)
        #expect(!line.dropLast().contains(0x0A))
        #expect(try JSONValue(parsing: line.dropLast())["jsonrpc"] == "2.0")
    }

    private func mutate(_ bytes: inout [UInt8], _ generator: inout SeededGenerator) {
        guard !bytes.isEmpty else { return }
        let place = Int.random(in: 0..<bytes.count, using: &generator)
        switch Int.random(in: 0..<5, using: &generator) {
        case 0: bytes[place] = UInt8.random(in: .min ... .max, using: &generator)
        case 1: bytes.remove(at: place)
        case 2: bytes.insert(UInt8.random(in: .min ... .max, using: &generator), at: place)
        case 3: bytes.removeSubrange(place...)
        default:
            let length = Int.random(in: 1...8, using: &generator)
            bytes.insert(contentsOf: bytes[place..<min(place + length, bytes.count)], at: place)
        }
    }
}
