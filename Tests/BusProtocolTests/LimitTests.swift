import BusProtocol
import ChannelEvents
import JSON
import Testing

/// What is refused, and by which name.
struct LimitTests {
    private func code(_ parts: [[UInt8]]) -> ProtocolError.Code? {
        do throws(ProtocolError) {
            _ = try PeerMessage(try BusFrames(parts: parts))
            return nil
        } catch {
            return error.code
        }
    }

    private func code(_ command: String, _ header: String, _ payloads: [String] = []) -> ProtocolError.Code? {
        code(([command, header] + payloads).map { Array($0.utf8) })
    }

    @Test func framesAreCountedAndMeasured() {
        #expect(code([]) == .malformed)
        #expect(code([Array("HEARTBEAT".utf8)]) == .malformed)
        let header = Array("{\"epoch\":1}".utf8)
        #expect(code([Array("HEARTBEAT".utf8), header]) == nil)
        #expect(code([Array("heartbeat".utf8), header]) == .unknownCommand)
        #expect(code([Array("HEARTBEATHEARTBEAT".utf8), header]) == .unknownCommand)
        let command = Array("PUBLISH".utf8)
        #expect(code([command, header] + [[UInt8]](repeating: [], count: BusLimits.batch + 1)) == .oversize)
        #expect(code([command, [UInt8](repeating: 0x20, count: BusLimits.headerBytes + 1)]) == .oversize)
        #expect(code([command, header, [UInt8](repeating: 0x20, count: BusLimits.messageBytes)]) == .oversize)
    }

    @Test func greetingsAreCompleteOrRefused() {
        let whole = "\"v\":1,\"role\":\"adapter\",\"name\":\"a\",\"instance\":\"12345678\""
        #expect(code("HELLO", "{\(whole)}") == nil)
        #expect(code("HELLO", "{\(whole),\"next\":0}") == .malformed)
        #expect(code("HELLO", "{\(whole),\"next\":-5}") == .malformed)
        #expect(code("HELLO", "{\(whole),\"v\":1}") == .malformed)
        #expect(code("HELLO", "{\"role\":\"adapter\",\"name\":\"a\",\"instance\":\"12345678\"}") == .version)
        #expect(code("HELLO", "{\"v\":1,\"role\":\"boss\",\"name\":\"a\",\"instance\":\"12345678\"}") == .role)
        #expect(code("HELLO", "{\"v\":1,\"role\":\"adapter\",\"name\":\"\",\"instance\":\"12345678\"}") == .malformed)
        #expect(code("HELLO", "{\"v\":1,\"role\":\"adapter\",\"name\":\"a\",\"instance\":\"1\"}") == .malformed)
        #expect(code("HELLO", "[]") == .malformed)
    }

    @Test func aCursorThatCouldNotBeReadLaterIsRefused() {
        #expect(code("PUBLISH", "{\"epoch\":1,\"seq\":1,\"events\":[],\"cursor\":{\"n\":1}}") == nil)
        for cursor in ["{\"n\":1,\"n\":2}", "[1e999]"] {
            #expect(code("PUBLISH", "{\"epoch\":1,\"seq\":1,\"events\":[],\"cursor\":\(cursor)}") == .malformed)
        }
    }

    @Test func aPublishWithoutAPayloadForEachEventIsRefused() {
        let head = "{\"id\":\"1\",\"chat\":\"2\",\"from\":\"3\",\"time\":4}"
        #expect(code("PUBLISH", "{\"epoch\":1,\"seq\":1,\"events\":[\(head)]}", ["{}"]) == nil)
        #expect(code("PUBLISH", "{\"epoch\":1,\"seq\":1,\"events\":[\(head)]}") == .malformed)
        #expect(code("PUBLISH", "{\"epoch\":1,\"seq\":1,\"events\":[]}", ["{}"]) == .malformed)
        #expect(code("PUBLISH", "{\"epoch\":1,\"seq\":0,\"events\":[]}") == .malformed)
        #expect(code("PUBLISH", "{\"epoch\":1,\"events\":[]}") == .malformed)
        #expect(code("PUBLISH", "{\"seq\":1,\"events\":[]}") == .malformed)
        #expect(code("PUBLISH", "{\"epoch\":1,\"epoch\":2,\"seq\":1,\"events\":[]}") == .malformed)
    }

    /// One bad event is named by its place; its batch goes on.
    @Test func anUnreadableHeadDoesNotBlockItsBatch() throws {
        let good = "{\"id\":\"1\",\"chat\":\"2\",\"from\":\"3\",\"time\":4}"
        for bad in [
            "null", "7", "[]", "{}", "{\"id\":1}", "{\"id\":\"1\",\"id\":\"2\"}", "{\"id\":\"1\",\"time\":\"x\"}",
        ] {
            let header = "{\"epoch\":1,\"seq\":1,\"events\":[\(good),\(bad),\(good)]}"
            let parts = ["PUBLISH", header, "a", "b", "c"].map { Array($0.utf8) }
            guard case .numbered(_, .publish(let publish)) = try PeerMessage(try BusFrames(parts: parts)) else {
                Issue.record("no PUBLISH")
                continue
            }
            #expect(publish.events.map { $0.head != nil } == [true, false, true])
            #expect(publish.events.map(\.body) == ["a", "b", "c"].map { Array($0.utf8) })
        }
    }

    @Test func outcomesAndStatesAreOfAKnownKind() {
        #expect(code("RESULT", "{\"epoch\":1,\"seq\":1,\"key\":\"k\",\"outcome\":\"sent\"}") == nil)
        #expect(code("RESULT", "{\"epoch\":1,\"seq\":1,\"key\":\"k\",\"outcome\":\"maybe\"}") == .malformed)
        #expect(code("RESULT", "{\"epoch\":1,\"seq\":1,\"outcome\":\"sent\"}") == .malformed)
        #expect(code("HEALTH", "{\"epoch\":1,\"state\":\"fine\"}") == .malformed)
        #expect(code("CALL", "{\"epoch\":1,\"id\":\"\",\"name\":\"n\"}", ["{}"]) == .malformed)
        #expect(code("CALL", "{\"epoch\":1,\"id\":\"c\",\"name\":\"n\"}") == .malformed)
        #expect(code("CALL", "{\"epoch\":1,\"id\":\"c\",\"name\":\"n\"}", ["{"]) == .malformed)
        #expect(code("ACK", "{\"epoch\":1,\"seq\":-1}") == .malformed)
    }

    @Test func errorsCarryNothingOfThePeers() {
        do throws(ProtocolError) {
            _ = try PeerMessage(
                try BusFrames(parts: ["CALL", "{\"secret\":\"hunter2\"", "hunter2"].map { Array($0.utf8) }))
            Issue.record("it was taken")
        } catch {
            #expect(!error.description.contains("hunter2"))
        }
    }
}
