import JSON
import ModelContextProtocol

extension ServerConnection {
    static let testTool = Tool(
        name: "echo", title: "Echo", description: "Says it again.",
        parameters: [
            Tool.Parameter("text", .string(1...10), required: true, "What to say."),
            Tool.Parameter("times", .integer(1...3), "How often."),
        ],
        annotations: .init(readOnly: true, idempotent: true, openWorld: false), meta: ["vendor/key": true])

    static func make() -> ServerConnection {
        ServerConnection(
            ServerDescription(
                name: "test", title: "Test", version: "1", capabilities: ["tools": [:]], instructions: "Be kind.",
                tools: [testTool]))
    }

    /// A connection after `initialized`.
    static func opened() -> ServerConnection {
        var connection = make()
        _ = connection.receive(
            #"{"jsonrpc":"2.0","id":0,"method":"initialize","params":{"protocolVersion":"2025-11-25"}}"#)
        _ = connection.receive(#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#)
        return connection
    }

    mutating func receive(_ text: String) -> [Action] { receive(line: Array(text.utf8)) }

    /// The one line that answers a line.
    mutating func answer(_ text: String) throws -> JSONValue? {
        let lines = receive(text).compactMap { action -> [UInt8]? in
            guard case .send(let bytes) = action else { return nil }
            return bytes
        }
        guard let line = lines.first, lines.count == 1, line.last == 0x0A else { return nil }
        return try JSONValue(parsing: line.dropLast())
    }
}

/// A repeatable source of chance: a failing test names its seed.
struct SeededGenerator: RandomNumberGenerator {
    private var state: UInt64
    init(seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        // SplitMix64.
        state &+= 0x9E37_79B9_7F4A_7C15
        var z = state
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return z ^ (z >> 31)
    }
}
