import Testing
import ZeroMQ

@testable import MessageBus

/// The answers of the ZAP handler, byte for byte as libzmq reads them.
struct KeyAuthenticatorTests {
    private let key = [UInt8](repeating: 7, count: 32)

    private func code(_ request: [[UInt8]], keys: Set<String>) -> String {
        String(decoding: KeyAuthenticator.answer(request, keys: keys)[2], as: UTF8.self)
    }

    private func request(_ key: [UInt8], mechanism: String = "CURVE", version: String = "1.0") -> [[UInt8]] {
        [version, "id-1", "switchboard", "127.0.0.1", "", mechanism].map { Array($0.utf8) } + [key]
    }

    @Test func aKnownKeyIsLetInByItsText() throws {
        let text = try #require(Curve.text(of: key))
        let answer = KeyAuthenticator.answer(request(key), keys: [text])
        #expect(answer == ["1.0", "id-1", "200", "OK", text, ""].map { Array($0.utf8) })
    }

    @Test func allElseIsRefused() throws {
        let keys: Set<String> = [try #require(Curve.text(of: key))]
        #expect(code(request([UInt8](repeating: 8, count: 32)), keys: keys) == "400")
        #expect(code(request(key), keys: []) == "400")
        #expect(code(request(Array(key.dropLast())), keys: keys) == "400")
        #expect(code(request(key, mechanism: "NULL"), keys: keys) == "400")
        #expect(code(request(key, mechanism: "PLAIN"), keys: keys) == "400")
        #expect(code(request(key, version: "2.0"), keys: keys) == "400")
        #expect(code([], keys: keys) == "400")
        #expect(code(request(key) + [[1]], keys: keys) == "400")
    }
}
