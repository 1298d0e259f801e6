import JSON
import ModelContextProtocol
import Testing

@Suite("Tools")
struct ToolCallTests {
    private func line(_ id: String, _ arguments: String, meta: String = "{}") -> String {
        #"{"jsonrpc":"2.0","id":\#(id),"method":"tools/call","params":{"name":"echo","arguments":\#(arguments),"_meta":\#(meta)}}"#
    }

    private func parsed(_ line: [UInt8]?) throws -> JSONValue { try JSONValue(parsing: #require(line)) }

    @Test("The list is one page of schema objects")
    func list() throws {
        var connection = ServerConnection.opened()
        let tools = try connection.answer(#"{"jsonrpc":"2.0","id":1,"method":"tools/list","params":{}}"#)?["result"]?[
            "tools"]
        let tool = try #require(tools?.arrayValue?.first)
        #expect(tool["name"] == "echo")
        #expect(tool["inputSchema"]?["type"] == "object")
        #expect(tool["inputSchema"]?["required"] == ["text"])
        #expect(tool["inputSchema"]?["additionalProperties"] == false)
        #expect(tool["inputSchema"]?["properties"]?["times"]?["maximum"] == 3)
        #expect(tool["_meta"] == ["vendor/key": true])
        #expect(tool["annotations"]?["destructiveHint"] == false)
    }

    @Test("Arguments that fit come through; whole numbers are integers, null is not given")
    func fit() {
        var connection = ServerConnection.opened()
        let call = ToolCall(id: .integer(1), tool: "echo", arguments: ["text": "hé", "times": 2])
        #expect(connection.receive(line("1", #"{"text":"hé","times":2.0}"#)) == [.call(call)])
        let second = ToolCall(id: .string("1"), tool: "echo", arguments: ["text": "a"])
        #expect(connection.receive(line(#""1""#, #"{"text":"a","times":null}"#)) == [.call(second)])
    }

    @Test(
        "Arguments that do not fit give a result with a sentence that names the argument",
        arguments: [
            ("{}", "text"), (#"{"text":null}"#, "text"), (#"{"text":7}"#, "text"), (#"{"text":""}"#, "text"),
            (#"{"text":"12345678901"}"#, "text"), (#"{"text":"a","times":0}"#, "times"),
            (#"{"text":"a","times":4}"#, "times"),
            (#"{"text":"a","times":1.5}"#, "times"), (#"{"text":"a","times":"2"}"#, "times"),
            (#"{"text":"a","other":1}"#, "other"),
        ])
    func misfit(arguments: String, named: String) throws {
        var connection = ServerConnection.opened()
        let result = try connection.answer(line("1", arguments))?["result"]
        #expect(result?["isError"] == true)
        #expect(result?["content"]?.arrayValue?.first?["text"]?.stringValue?.contains(named) == true)
    }

    @Test("A limit counts characters, not bytes")
    func characters() {
        var connection = ServerConnection.opened()
        guard case .call = connection.receive(line("1", #"{"text":"éééééééééé"}"#)).first else {
            return #expect(Bool(false))
        }
    }

    @Test("A call is finished once; a cancelled one is not answered")
    func cancel() throws {
        var connection = ServerConnection.opened()
        _ = connection.receive(line("1", #"{"text":"a"}"#))
        _ = connection.receive(line(#""1""#, #"{"text":"a"}"#))
        let cancelled = connection.receive(
            #"{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":1,"reason":"x"}}"#)
        #expect(cancelled == [.cancelled(.integer(1))])
        #expect(connection.finish(.integer(1), ToolResult(["late"])) == nil)
        let line = connection.finish(.string("1"), ToolResult(["a\nb"], structured: ["n": 1]))
        let bytes = try #require(line)
        let answer = try JSONValue(parsing: bytes)
        #expect(answer["id"] == "1")
        #expect(
            answer["result"] == [
                "content": [["type": "text", "text": "a\nb"]], "structuredContent": ["n": 1], "isError": false,
            ])
        #expect(bytes.dropLast().allSatisfy { $0 != 0x0A })
        #expect(connection.finish(.string("1"), ToolResult(["again"])) == nil)
    }

    @Test("Progress goes only to who asked, with the token's own type, and rises")
    func progress() throws {
        var connection = ServerConnection.opened()
        _ = connection.receive(line("1", #"{"text":"a"}"#, meta: #"{"progressToken":"t"}"#))
        _ = connection.receive(line("2", #"{"text":"a"}"#, meta: #"{"progressToken":7}"#))
        _ = connection.receive(line("3", #"{"text":"a"}"#))
        let first = try parsed(connection.progress(.integer(1), "still"))
        let second = try parsed(connection.progress(.integer(1), "still"))
        #expect(first["params"] == ["progressToken": "t", "progress": 1, "message": "still"])
        #expect(second["params"]?["progress"] == 2)
        let other = try parsed(connection.progress(.integer(2), "s"))
        #expect(other["params"]?["progressToken"] == 7)
        #expect(connection.progress(.integer(3), "still") == nil)
        _ = connection.finish(.integer(1), ToolResult(["done"]))
        #expect(connection.progress(.integer(1), "late") == nil)
    }

    @Test("An id under way cannot be used again, and calls past the limit are told to wait")
    func limits() throws {
        var connection = ServerConnection.opened()
        for id in 0..<ServerConnection.callLimit { _ = connection.receive(line("\(id)", #"{"text":"a"}"#)) }
        #expect(try connection.answer(line("0", #"{"text":"a"}"#))?["error"]?["code"] == -32600)
        #expect(try connection.answer(line("9999", #"{"text":"a"}"#))?["result"]?["isError"] == true)
        _ = connection.finish(.integer(0), ToolResult(["done"]))
        #expect(connection.receive(line("9999", #"{"text":"a"}"#)).count == 1)
    }
}
