import Testing

@testable import JSON

@Suite("Plain bytes")
struct PlainBytesTests {
    @Test("Every byte at every place, beside every neighbour, is found or passed over as a plain loop would")
    func everywhere() {
        for length in [1, 7, 8, 9, 17] {
            for place in 0..<length {
                for filler in [0x20, 0x21, 0x23, 0x5B, 0x5D, 0x7F, 0x80, 0xA2, 0xDC, 0xFF] as [UInt8] {
                    for byte in UInt8.min ... .max {
                        var bytes = [UInt8](repeating: filler, count: length)
                        bytes[place] = byte
                        let expected = bytes.firstIndex { $0 < 0x20 || $0 == 0x22 || $0 == 0x5C } ?? length
                        let found = bytes.withUnsafeBufferPointer {
                            PlainBytes.end($0.baseAddress!, from: 0, count: length)
                        }
                        if found != expected {
                            Issue.record("byte \(byte) at \(place) of \(length) beside \(filler): \(found)")
                        }
                    }
                }
            }
        }
    }

    @Test("What is written reads back, whatever stands where", arguments: [0, 1, 7, 8, 9, 15, 16, 40])
    func roundTrip(length: Int) throws {
        for special in ["\"", "\\", "\n", "\u{0}", "\u{1F}", "é", "😀", "/"] {
            for place in 0...length {
                let text =
                    String(repeating: "a", count: place) + special + String(repeating: "b", count: length - place)
                #expect(try JSONValue(parsing: JSONValue.string(text).bytes) == .string(text))
            }
        }
    }
}
