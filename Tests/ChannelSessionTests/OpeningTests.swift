import BusProtocol
import JSON
import MessageBus
import ModelContextProtocol
import SwitchboardTesting
import Testing

@testable import ChannelSession

@Suite("Opening")
struct OpeningTests {
    @Test("Nothing happens before `initialized`: no connection, no router, no line that was not asked for")
    func sideEffects() throws {
        let fixture = SessionFixture()
        fixture.say(#"{"method":"server/discover","params":{},"jsonrpc":"2.0","id":"p"}"#)
        fixture.say(#"{"jsonrpc":"2.0","id":0,"method":"initialize","params":{"protocolVersion":"2025-11-25"}}"#)
        fixture.say(#"{"jsonrpc":"2.0","id":1,"method":"tools/list"}"#)
        fixture.advance(milliseconds: 60_000)
        #expect(fixture.madeConnections == 0)
        #expect(fixture.starts == 0)
        #expect(try fixture.output.messages().count == 3)
        fixture.say(#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#)
        #expect(fixture.madeConnections == 1)
        #expect(try fixture.router.isStarted)
        #expect(try fixture.output.messages().count == 3)
    }

    @Test("Capabilities are tools, the channel and its permission relay, nothing that is not there yet")
    func capabilities() throws {
        let fixture = SessionFixture()
        fixture.handshake()
        let result = try fixture.result(0)
        let experimental: JSONValue = ["claude/channel": [:], "claude/channel/permission": [:]]
        #expect(result?["capabilities"] == ["tools": ["listChanged": false], "experimental": experimental])
        #expect(result?["serverInfo"]?["name"] == "switchboard")
    }

    @Test("Instructions and descriptions fit into the 2 KB after which clients cut")
    func lengths() throws {
        let fixture = SessionFixture()
        fixture.handshake()
        fixture.say(#"{"jsonrpc":"2.0","id":1,"method":"tools/list"}"#)
        let instructions = try #require(try fixture.result(0)?["instructions"]?.stringValue)
        #expect(instructions.utf8.count < 2048)
        let tools = try #require(try fixture.result(1)?["tools"]?.arrayValue)
        #expect(
            tools.compactMap { $0["name"]?.stringValue } == [
                "reply", "ask", "pass", "inbox", "notify", "react", "edit_message", "progress", "download_attachment",
                "fetch_messages", "conversations",
            ])
        for tool in tools {
            #expect((tool["description"]?.stringValue ?? "").utf8.count < 2048)
            let isAlwaysLoaded = ["reply", "ask", "pass", "inbox", "notify"].contains(tool["name"]?.stringValue ?? "")
            #expect(tool["_meta"]?["anthropic/alwaysLoad"] == (isAlwaysLoaded ? true : nil))
        }
    }

    @Test("When no router answers within 300 ms, one is started, once")
    func startsRouter() throws {
        let fixture = SessionFixture()
        fixture.handshake()
        #expect(fixture.session.tick() == 300)
        fixture.advance(milliseconds: 299)
        #expect(fixture.starts == 0)
        fixture.advance(milliseconds: 1)
        #expect(fixture.starts == 1)
        fixture.advance(milliseconds: 60_000)
        #expect(fixture.starts == 1)
    }

    @Test("No router is started when one answers, when this one is refused, or when something else starts them")
    func startsNone() throws {
        let answered = try SessionFixture.joined()
        answered.advance(milliseconds: 1000)
        #expect(answered.starts == 0)
        let refused = SessionFixture()
        refused.handshake()
        try refused.router.emit(.refused(Bye(code: "version", message: "the router speaks 2 and 3")))
        refused.advance(milliseconds: 1000)
        #expect(refused.starts == 0)
        let other = SessionFixture(startsRouter: false)
        other.handshake()
        other.advance(milliseconds: 1000)
        #expect(other.starts == 0)
    }

    @Test("The end of the session is said to the router")
    func close() throws {
        let fixture = try SessionFixture.joined()
        fixture.session.close()
        #expect(try fixture.router.isStopped)
        #expect(fixture.session.isFinished)
    }

    @Test(
        "A label is one word that can be typed; without one the folder gives it",
        arguments: [
            (nil, "/home/ann/src/api", "api"), (nil, "/home/ann/My Project/", "My-Project"), (nil, "/", "session"),
            ("web 2", "/x", "web-2"), ("ünïcode", "/x", "ünïcode"), ("<x>", "/y", "-x-"), ("  ", "/y", "session"),
        ] as [(String?, String, String)])
    func labels(label: String?, project: String, expected: String) {
        let identity = SessionIdentity(label: label, project: project, pid: 1, parent: 1, instance: "12345678")
        #expect(identity.label == expected)
        #expect(identity.hello(program: "p").credit == 256)
        #expect(identity.hello(program: "p").role == .endpoint)
    }
}
