import JSON
import Testing

struct WriterTests {
    @Test func aValueIsOneLine() throws {
        let value: JSONValue = [
            "text": "a\nb\r\u{0}\u{1F}\"\\/é🎉\u{2028}", "list": [1, -2, nil, true, .number(0.5)], "empty": [:],
        ]
        #expect(
            value.text
                == #"{"text":"a\nb\r\u0000\u001f\"\\/é🎉"# + "\u{2028}" + #"","list":[1,-2,null,true,0.5],"empty":{}}"#)
        #expect(!value.bytes.contains(0x0A))
        #expect(try JSONValue(parsing: value.bytes) == value)
    }

    @Test func commasStandBetweenAndNowhereElse() {
        var writer = JSONWriter()
        writer.beginObject()
        writer.member("a", "x")
        writer.member("absent", nil as String?)
        writer.key("b")
        writer.beginArray()
        writer.integer(1)
        writer.beginObject()
        writer.endObject()
        writer.raw(Array("{\"r\":1}".utf8))
        writer.endArray()
        writer.flag("off", false)
        writer.flag("on", true)
        writer.member("n", 5 as UInt64?)
        writer.endObject()
        #expect(String(decoding: writer.bytes, as: UTF8.self) == #"{"a":"x","b":[1,{},{"r":1}],"on":true,"n":5}"#)
    }

    @Test func peopleGetAMemberALine() {
        let value: JSONValue = ["a": [1, ["b": []]], "c": [:]]
        #expect(value.indentedText() == "{\n  \"a\": [\n    1,\n    {\n      \"b\": []\n    }\n  ],\n  \"c\": {}\n}")
    }

    @Test func membersAreSetReplacedAndRemoved() {
        var object: JSONObject = ["a": 1, "b": 2]
        object["a"] = 3
        object["c"] = 4
        object["b"] = nil
        object["none"] = nil
        #expect(JSONValue.object(object).text == #"{"a":3,"c":4}"#)
        #expect(object["b"] == nil)
    }

    @Test func numbersComeBack() throws {
        for number in [
            0.1, 1e300, -1e-300, 123456789.125, Double(1 << 53), .greatestFiniteMagnitude, .leastNonzeroMagnitude,
        ] {
            #expect(try JSONValue(parsing: JSONValue.number(number).text) == .number(number))
        }
        for integer in [Int64.min, -1, 0, .max] {
            #expect(try JSONValue(parsing: JSONValue.integer(integer).text) == .integer(integer))
        }
    }
}
