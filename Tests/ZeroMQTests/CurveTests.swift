import Testing
import ZeroMQ

struct CurveTests {
    @Test func aPairBelongsTogether() throws {
        let pair = try Curve.makeKeyPair()
        #expect(Curve.isKey(pair.publicKey))
        #expect(Curve.isKey(pair.secretKey))
        #expect(try Curve.publicKey(of: pair.secretKey) == pair.publicKey)
        #expect(try Curve.makeKeyPair() != pair)
    }

    /// The pair of libzmq's own documentation.
    @Test func aKnownPair() throws {
        #expect(
            try Curve.publicKey(of: "JTKVSB%%)wK0E.X)V>+}o?pNmC{O&4W4b!Ni{Lh6")
                == "rq:rM>}U?@Lns47E1%kR.o@n%FcmmsL/@{H8]yf7")
    }

    @Test(arguments: [
        "", "short", String(repeating: "\"", count: 40), String(repeating: "a", count: 41),
        String(repeating: " ", count: 40),
    ])
    func otherTextIsNoKey(text: String) {
        #expect(!Curve.isKey(text))
        #expect(throws: ZeroMQError.self) { try Curve.publicKey(of: text) }
    }

    @Test func thirtyTwoBytesHaveAText() {
        #expect(Curve.text(of: [UInt8](repeating: 0, count: 32)) == String(repeating: "0", count: 40))
        #expect(Curve.text(of: [UInt8](repeating: 0, count: 31)) == nil)
    }
}
