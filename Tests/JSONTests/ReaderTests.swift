import JSON
import Testing

/// RFC 8259, the limits on top of it, and the places of errors.
struct ReaderTests {
    private func code(_ text: String) -> JSONError.Code? { code(Array(text.utf8)) }

    private func code(_ bytes: [UInt8]) -> JSONError.Code? {
        do throws(JSONError) {
            _ = try JSONValue(parsing: bytes)
            return nil
        } catch {
            return error.code
        }
    }

    @Test func scalars() throws {
        #expect(try JSONValue(parsing: "null") == .null)
        #expect(try JSONValue(parsing: " true\t") == .bool(true))
        #expect(try JSONValue(parsing: "\r\nfalse ") == .bool(false))
        #expect(try JSONValue(parsing: "0") == .integer(0))
        #expect(try JSONValue(parsing: "-0") == .integer(0))
        #expect(try JSONValue(parsing: "9223372036854775807") == .integer(.max))
        #expect(try JSONValue(parsing: "-9223372036854775808") == .integer(.min))
        #expect(try JSONValue(parsing: "9223372036854775808") == .number(9_223_372_036_854_775_808))
        #expect(try JSONValue(parsing: "1.5e3") == .number(1500))
        #expect(try JSONValue(parsing: "1E-2") == .number(0.01))
        #expect(try JSONValue(parsing: "\"\"") == .string(""))
    }

    @Test func containers() throws {
        #expect(try JSONValue(parsing: "[]") == .array([]))
        #expect(try JSONValue(parsing: "{}") == .object([:]))
        #expect(try JSONValue(parsing: "[1, [2], {\"a\" : [null]}]") == [1, [2], ["a": [nil]]])
        let ordered = try JSONValue(parsing: "{\"z\":1,\"a\":2}")
        #expect(ordered.objectValue?.map(\.key) == ["z", "a"])
        #expect(ordered.text == "{\"z\":1,\"a\":2}")
    }

    @Test(arguments: [
        "", " ", "nul", "tru", "TRUE", "nulls", "01", "-", "+1", ".5", "1.", "1e", "1e+", "0x10", "NaN", "Infinity",
        "'a'",
        "\"", "\"a", "\"\\", "\"\\x\"", "\"\\u12\"", "\"\\u12g4\"", "\"a\nb\"", "\"\t\"", "[", "]", "[1", "[1,", "[1,]",
        "[,1]",
        "[1 2]", "{", "}", "{\"a\"", "{\"a\":", "{\"a\":1", "{\"a\":1,", "{\"a\":1,}", "{,}", "{a:1}", "{1:1}",
        "{\"a\" 1}",
        "{\"a\":1 \"b\":2}", "[1]]", "{}{}", "1 2", "[1}", "{\"a\":1]", "/* */ 1", "\u{FEFF}1", "\u{0}",
    ])
    func whatIsNotJSONIsRefused(text: String) {
        #expect(code(text) != nil)
    }

    @Test func escapesAndSurrogates() throws {
        #expect(try JSONValue(parsing: #""\"\\\/\b\f\n\r\t""#) == .string("\"\\/\u{8}\u{C}\n\r\t"))
        #expect(try JSONValue(parsing: #""\u0041\u00e9\u6F22""#) == .string("Aé漢"))
        #expect(try JSONValue(parsing: #""\ud83c\udf89""#) == .string("🎉"))
        #expect(try JSONValue(parsing: #""\u0000""#) == .string("\u{0}"))
        #expect(try JSONValue(parsing: #""\ud83c""#) == .string("\u{FFFD}"))
        #expect(try JSONValue(parsing: #""\udf89\ud83c""#) == .string("\u{FFFD}\u{FFFD}"))
        #expect(try JSONValue(parsing: #""\ud83c\u0041""#) == .string("\u{FFFD}A"))
        #expect(try JSONValue(parsing: #""\ud83cx""#) == .string("\u{FFFD}x"))
        #expect(try JSONValue(parsing: #"{"\u0061":1}"#)["a"] == 1)
    }

    @Test func bytesThatAreNotUTF8AreRefused() {
        for bytes: [UInt8] in [
            [0xFF], [0xC0, 0x80], [0xED, 0xA0, 0x80], [0xF8, 0x88, 0x80, 0x80, 0x80], [0xE2, 0x82],
        ] {
            #expect(code([0x22] + bytes + [0x22]) == .encoding)
            #expect(code([0x22] + Array("\\n".utf8) + bytes + [0x22]) == .encoding)
        }
    }

    @Test func aKeyMayStandOnce() throws {
        #expect(code("{\"a\":1,\"a\":2}") == .duplicateKey)
        #expect(code(#"{"a":1,"\u0061":2}"#) == .duplicateKey)
        #expect(code("[{\"a\":1},{\"a\":2}]") == nil)
        #expect(code("{\"a\":{\"a\":1}}") == nil)
    }

    @Test func nestingIsLimited() {
        func nested(_ depth: Int) -> String {
            String(repeating: "[", count: depth) + String(repeating: "]", count: depth)
        }
        #expect(code(nested(JSONReader.depthLimit)) == nil)
        #expect(code(nested(JSONReader.depthLimit + 1)) == .depth)
        #expect(code(String(repeating: "[", count: 1_000_000)) == .depth)
        #expect(code(String(repeating: "{\"a\":", count: 1_000_000)) == .depth)
        // Depth is what is open, not what was.
        #expect(code("[" + Array(repeating: nested(60), count: 100).joined(separator: ",") + "]") == nil)
    }

    @Test func numbersOutOfRangeAreRefused() {
        #expect(code("1e999") == .range)
        #expect(code("-1e999") == .range)
        #expect(code("1e-999") == nil)
        #expect(code(String(repeating: "9", count: 400)) == .range)
    }

    @Test func anErrorNamesItsPlaceAndNoContent() {
        do throws(JSONError) {
            _ = try JSONValue(parsing: "{\"secret\": hunter2}")
            Issue.record("it was taken")
        } catch {
            #expect(error.offset == 11)
            #expect(error.description == "JSON syntax at byte 11, expected value")
        }
    }

    /// Every beginning of a text is refused, and none is read past.
    @Test func aTextThatIsCutIsNotAText() throws {
        let text = Array(#"{"a":[1,-2.5e3,"x\u00e9\n🎉",true,null,{"b":{}}],"c":"d"}"#.utf8)
        #expect(code(text) == nil)
        for end in 0..<text.count { #expect(code(Array(text[..<end])) != nil) }
    }

    @Test func pullingReadsWhatIsAskedAndSkipsTheRest() throws {
        let text = Array(#"{"skip":[{"x":"\"}"},1.5],"id":"m1","n":-7,"flag":true,"more":{"id":"other"}}"#.utf8)
        var id: String?
        var number: Int64?
        var flag = false
        var skipped = 0..<0
        try JSONReader.read(text) { reader throws(JSONError) in
            try reader.beginObject()
            while let key = try reader.nextKey() {
                switch key {
                case "id": try reader.string(into: &id)
                case "n": try reader.integer(into: &number)
                case "flag": flag = try reader.bool()
                case "skip": skipped = try reader.skip()
                default: try reader.skip()
                }
            }
        }
        #expect(id == "m1")
        #expect(number == -7)
        #expect(flag)
        #expect(String(decoding: text[skipped], as: UTF8.self) == #"[{"x":"\"}"},1.5]"#)
    }

    @Test func aMemberOfAnotherTypeIsAnError() {
        func check(_ text: String, _ body: @escaping (inout JSONReader) throws(JSONError) -> Void) -> JSONError.Code? {
            do throws(JSONError) {
                try JSONReader.read(Array(text.utf8)) { reader throws(JSONError) in try body(&reader) }
                return nil
            } catch {
                return error.code
            }
        }
        #expect(check("1") { reader throws(JSONError) in _ = try reader.string() } == .wrongType)
        #expect(check("1.5") { reader throws(JSONError) in _ = try reader.integer() } == .wrongType)
        #expect(check("\"1\"") { reader throws(JSONError) in _ = try reader.integer() } == .wrongType)
        #expect(check("0") { reader throws(JSONError) in _ = try reader.bool() } == .wrongType)
        #expect(check("[]") { reader throws(JSONError) in try reader.beginObject() } == .wrongType)
    }
}
