import JSON
import ModelContextProtocol
import Testing

@Suite("Handshake")
struct HandshakeTests {
    @Test("A probe for the later revision is always told that the method is unknown, with its id")
    func probe() throws {
        var connection = ServerConnection.make()
        let probe = #"""
            {"method":"server/discover","params":{"_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28"}},"jsonrpc":"2.0","id":"server-discover-probe-1"}
            """#
        let answer = try connection.answer(probe)
        #expect(answer?["id"] == "server-discover-probe-1")
        #expect(answer?["error"]?["code"] == -32601)
        // And `initialize` in the same process is accepted after it.
        let opening = try connection.answer(
            #"{"method":"initialize","params":{"protocolVersion":"2025-11-25"},"jsonrpc":"2.0","id":0}"#)
        #expect(opening?["id"] == 0)
        #expect(opening?["result"]?["protocolVersion"] == "2025-11-25")
        #expect(try connection.answer(probe)?["error"]?["code"] == -32601)
    }

    @Test(
        "A known revision is echoed; any other is answered with the newest, never with an error",
        arguments: [
            (#""2025-11-25""#, "2025-11-25"), (#""2025-06-18""#, "2025-06-18"), (#""2025-03-26""#, "2025-03-26"),
            (#""2024-11-05""#, "2024-11-05"), (#""2026-07-28""#, "2025-11-25"), (#""nonsense""#, "2025-11-25"),
            ("7", "2025-11-25"),
        ])
    func versions(requested: String, answered: String) throws {
        var connection = ServerConnection.make()
        let line = #"{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocolVersion":\#(requested)}}"#
        let answer = try connection.answer(line)
        #expect(answer?["result"]?["protocolVersion"] == .string(answered))
        #expect(answer?["result"]?["serverInfo"]?["name"] == "test")
        #expect(answer?["result"]?["capabilities"] == ["tools": [:]])
        #expect(answer?["result"]?["instructions"] == "Be kind.")
    }

    @Test(
        "An id comes back with its value and its type",
        arguments: ["0", "-7", "9007199254740993", #""0""#, #""a\"\n""#, #""""#])
    func ids(id: String) throws {
        var connection = ServerConnection.make()
        let answer = try connection.answer(#"{"jsonrpc":"2.0","id":\#(id),"method":"ping"}"#)
        #expect(answer?["id"] == (try JSONValue(parsing: id)))
        #expect(answer?["result"] == [:])
    }

    @Test("The connection opens once, at `initialized` after `initialize`")
    func opening() {
        var connection = ServerConnection.make()
        let initialized = #"{"jsonrpc":"2.0","method":"notifications/initialized"}"#
        let initialize = #"""
            {"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocolVersion":"2025-06-18","clientInfo":{"name":"c","version":"9"}}}
            """#
        #expect(connection.receive(initialized).isEmpty)
        #expect(!connection.isOpen)
        #expect(connection.receive(initialize).count == 1)
        #expect(!connection.isOpen)
        let client = ServerConnection.Client(name: "c", version: "9", protocolVersion: "2025-06-18")
        #expect(connection.receive(initialized) == [.opened(client)])
        #expect(connection.receive(initialized).isEmpty)
        #expect(connection.receive(initialize).count == 1)
        #expect(connection.isOpen)
    }

    @Test("Before the handshake only ping is answered; a call needs `initialized`")
    func early() throws {
        var connection = ServerConnection.make()
        #expect(try connection.answer(#"{"jsonrpc":"2.0","id":1,"method":"tools/list"}"#)?["error"]?["code"] == -32600)
        _ = connection.receive(#"{"jsonrpc":"2.0","id":0,"method":"initialize","params":{}}"#)
        let call = #"{"jsonrpc":"2.0","id":2,"method":"tools/call","params":{"name":"echo","arguments":{"text":"a"}}}"#
        #expect(try connection.answer(call)?["error"]?["code"] == -32600)
        #expect(try connection.answer(#"{"jsonrpc":"2.0","id":3,"method":"tools/list"}"#)?["result"] != nil)
    }

    @Test(
        "What is no request is refused by its code, with its id when it has one",
        arguments: [
            ("{", -32700, nil), ("\u{1}", -32700, nil),
            (#"{"jsonrpc":"2.0","id":1,"id":2,"method":"ping"}"#, -32700, nil),
            ("[]", -32600, nil), (#"[{"jsonrpc":"2.0","id":1,"method":"ping"}]"#, -32600, nil), ("7", -32600, nil),
            (#"{"jsonrpc":"2.0","id":null,"method":"ping"}"#, -32600, nil),
            (#"{"jsonrpc":"2.0","id":1.5,"method":"ping"}"#, -32600, nil),
            (#"{"jsonrpc":"2.0","id":{},"method":"ping"}"#, -32600, nil),
            (#"{"id":5,"method":"ping"}"#, -32600, 5), (#"{"jsonrpc":"1.0","id":5,"method":"ping"}"#, -32600, 5),
            (#"{"jsonrpc":"2.0","id":5,"method":7}"#, -32600, 5), (#"{"jsonrpc":"2.0","id":5}"#, -32600, 5),
            (#"{"jsonrpc":"2.0","id":5,"method":"ping","params":[1]}"#, -32602, 5),
            (#"{"jsonrpc":"2.0","id":5,"method":"resources/list"}"#, -32601, 5),
            (#"{"jsonrpc":"2.0","id":5,"method":"tools/list","params":{"cursor":"x"}}"#, -32602, 5),
            (#"{"jsonrpc":"2.0","id":5,"method":"tools/call","params":{"name":"rm"}}"#, -32602, 5),
            (#"{"jsonrpc":"2.0","id":5,"method":"tools/call","params":{}}"#, -32602, 5),
            (#"{"jsonrpc":"2.0","id":5,"method":"tools/call","params":{"name":"echo","arguments":[]}}"#, -32602, 5),
        ] as [(String, Int64, Int64?)])
    func refusals(line: String, code: Int64, id: Int64?) throws {
        var connection = ServerConnection.opened()
        let answer = try #require(try connection.answer(line))
        #expect(answer["error"]?["code"] == .integer(code))
        #expect(answer["id"] == id.map(JSONValue.integer))
        // The connection goes on.
        #expect(try connection.answer(#"{"jsonrpc":"2.0","id":6,"method":"ping"}"#)?["id"] == 6)
    }

    @Test(
        "Notifications and answers are never answered",
        arguments: [
            #"{"jsonrpc":"2.0","method":"notifications/roots/list_changed"}"#,
            #"{"jsonrpc":"2.0","method":"nonsense","params":7}"#,
            #"{"jsonrpc":"2.0","id":3,"result":{}}"#, #"{"jsonrpc":"2.0","id":null,"error":{"code":1,"message":"x"}}"#,
            #"{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":99}}"#,
        ])
    func silence(line: String) {
        var connection = ServerConnection.opened()
        let sends = connection.receive(line).contains { if case .send = $0 { true } else { false } }
        #expect(!sends)
    }

    @Test("A request of the later revision is told which revisions are served")
    func laterRevision() throws {
        var connection = ServerConnection.opened()
        let line = #"""
            {"jsonrpc":"2.0","id":4,"method":"tools/list","params":{"_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28"}}}
            """#
        let error = try connection.answer(line)?["error"]
        #expect(error?["code"] == -32022)
        #expect(error?["data"]?["supported"] == ["2025-11-25", "2025-06-18", "2025-03-26", "2024-11-05"])
        #expect(error?["data"]?["requested"] == "2026-07-28")
    }

    @Test("An oversize line is refused without an id and the connection goes on")
    func oversize() throws {
        var connection = ServerConnection.opened()
        guard case .send(let bytes) = connection.receive(.oversize).first else { return #expect(Bool(false)) }
        #expect(try JSONValue(parsing: bytes)["error"]?["code"] == -32600)
        #expect(try connection.answer(#"{"jsonrpc":"2.0","id":6,"method":"ping"}"#)?["id"] == 6)
    }
}
