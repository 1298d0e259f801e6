/// A pull reader over UTF-8 bytes: it visits a text in order and allocates only what is asked for.
///
/// The bus parses two headers for every message, so this is on the hot path; it is also the reader under
/// ``JSONValue``. Strict RFC 8259, containers nested at most ``depthLimit`` deep. A reader must not outlive the
/// bytes it was given; ``read(_:_:)`` sees to that.
public struct JSONReader {
    /// Deeper nesting is refused, so that hostile input cannot exhaust the stack.
    public static let depthLimit = 64

    let base: UnsafePointer<UInt8>
    let count: Int
    @usableFromInline var position = 0
    /// True between the start of a container and its first member: the next member has no comma before it.
    var atStart = false
    var depth = 0

    private init(base: UnsafePointer<UInt8>, count: Int) {
        self.base = base
        self.count = count
    }

    /// Reads one whole text; anything but white space after it is an error.
    public static func read<Value>(
        _ bytes: some Collection<UInt8>, _ body: (inout JSONReader) throws(JSONError) -> Value
    ) throws(JSONError) -> Value {
        let direct = bytes.withContiguousStorageIfAvailable { Self.read(buffer: $0, body) }
        switch direct {
        case .some(let result): return try result.get()
        case .none: return try Array(bytes).withUnsafeBufferPointer { Self.read(buffer: $0, body) }.get()
        }
    }

    /// The same for bytes that the caller keeps alive.
    public static func read<Value>(
        buffer: UnsafeBufferPointer<UInt8>, _ body: (inout JSONReader) throws(JSONError) -> Value
    ) -> Result<Value, JSONError> {
        guard let base = buffer.baseAddress else { return .failure(JSONError(.unexpectedEnd)) }
        var reader = JSONReader(base: base, count: buffer.count)
        do throws(JSONError) {
            let value = try body(&reader)
            reader.skipSpace()
            guard reader.position == reader.count else { throw reader.error(.syntax) }
            return .success(value)
        } catch {
            return .failure(error)
        }
    }

    func error(_ code: JSONError.Code, _ expected: String? = nil) -> JSONError {
        JSONError(code, offset: position, expected: expected)
    }

    mutating func skipSpace() {
        while position < count {
            switch base[position] {
            case 0x20, 0x0A, 0x0D, 0x09: position += 1
            default: return
            }
        }
    }

    /// The first byte of the next value, without taking it.
    mutating func peek() throws(JSONError) -> UInt8 {
        skipSpace()
        guard position < count else { throw error(.unexpectedEnd) }
        return base[position]
    }

    private mutating func take(_ byte: UInt8, _ expected: String) throws(JSONError) {
        guard try peek() == byte else { throw error(.wrongType, expected) }
        position += 1
    }

    // MARK: Containers

    /// Enters an object; call ``nextKey()`` until it gives `nil`, reading or skipping one value after each key.
    public mutating func beginObject() throws(JSONError) {
        try take(UInt8(ascii: "{"), "object")
        try enter()
    }

    /// The next member's key, or `nil` when the object has ended.
    public mutating func nextKey() throws(JSONError) -> JSONKey? {
        guard try nextMember(closing: UInt8(ascii: "}")) else { return nil }
        guard try peek() == UInt8(ascii: "\"") else { throw error(.syntax, "key") }
        let (start, end, escaped) = try scanString()
        let key = JSONKey(
            bytes: UnsafeBufferPointer(start: base + start, count: end - start),
            unescaped: escaped ? try unescape(start, end) : nil)
        guard try peek() == UInt8(ascii: ":") else { throw error(.syntax, "colon") }
        position += 1
        return key
    }

    /// Enters an array; call ``nextElement()`` before each value.
    public mutating func beginArray() throws(JSONError) {
        try take(UInt8(ascii: "["), "array")
        try enter()
    }

    /// Whether another element follows; `false` ends the array.
    public mutating func nextElement() throws(JSONError) -> Bool {
        try nextMember(closing: UInt8(ascii: "]"))
    }

    private mutating func enter() throws(JSONError) {
        depth += 1
        guard depth <= Self.depthLimit else { throw error(.depth) }
        atStart = true
    }

    private mutating func nextMember(closing: UInt8) throws(JSONError) -> Bool {
        let byte = try peek()
        if byte == closing {
            position += 1
            depth -= 1
            atStart = false
            return false
        }
        if atStart {
            atStart = false
        } else {
            guard byte == UInt8(ascii: ",") else { throw error(.syntax, "comma") }
            position += 1
            guard try peek() != closing else { throw error(.syntax, "member") }
        }
        return true
    }

    // MARK: Scalars

    public mutating func string() throws(JSONError) -> String {
        guard try peek() == UInt8(ascii: "\"") else { throw error(.wrongType, "string") }
        let (start, end, escaped) = try scanString()
        if escaped { return try unescape(start, end) }
        // Most strings are ids. For ASCII the plain decoder is right and several times as fast as the validating one.
        let bytes = UnsafeBufferPointer(start: base + start, count: end - start)
        if bytes.reduce(0, |) < 0x80 { return String(decoding: bytes, as: UTF8.self) }
        guard let text = String(validating: bytes, as: UTF8.self) else { throw error(.encoding) }
        return text
    }

    public mutating func integer() throws(JSONError) -> Int64 {
        let first = try peek()
        guard first == UInt8(ascii: "-") || (first >= 0x30 && first <= 0x39) else { throw error(.wrongType, "integer") }
        guard case .integer(let value) = try number() else { throw error(.wrongType, "integer") }
        return value
    }

    public mutating func bool() throws(JSONError) -> Bool {
        switch try peek() {
        case UInt8(ascii: "t"):
            try literal("true")
            return true
        case UInt8(ascii: "f"):
            try literal("false")
            return false
        default: throw error(.wrongType, "boolean")
        }
    }

    /// Takes a `null` if that is what comes next.
    public mutating func null() throws(JSONError) -> Bool {
        guard try peek() == UInt8(ascii: "n") else { return false }
        try literal("null")
        return true
    }

    mutating func literal(_ word: StaticString) throws(JSONError) {
        let length = word.utf8CodeUnitCount
        guard count - position >= length else { throw error(.unexpectedEnd) }
        for index in 0..<length where base[position + index] != word.utf8Start[index] { throw error(.syntax) }
        position += length
    }

    mutating func number() throws(JSONError) -> JSONValue {
        let start = position
        var isInteger = true
        if base[position] == UInt8(ascii: "-") { position += 1 }
        let firstDigit = position
        while position < count, base[position] >= 0x30, base[position] <= 0x39 { position += 1 }
        guard position > firstDigit else { throw error(.syntax, "digit") }
        guard position - firstDigit == 1 || base[firstDigit] != 0x30 else { throw error(.syntax, "number") }
        if position < count, base[position] == UInt8(ascii: ".") {
            isInteger = false
            position += 1
            try digits()
        }
        if position < count, base[position] | 0x20 == UInt8(ascii: "e") {
            isInteger = false
            position += 1
            if position < count, base[position] == UInt8(ascii: "+") || base[position] == UInt8(ascii: "-") {
                position += 1
            }
            try digits()
        }
        let text = UnsafeBufferPointer(start: base + start, count: position - start)
        if isInteger, let value = Self.integer(text) { return .integer(value) }
        guard let value = Double(String(decoding: text, as: UTF8.self)), value.isFinite else { throw error(.range) }
        return .number(value)
    }

    private mutating func digits() throws(JSONError) {
        let start = position
        while position < count, base[position] >= 0x30, base[position] <= 0x39 { position += 1 }
        guard position > start else { throw error(.syntax, "digit") }
    }

    /// `nil` past 64 bits: such a number becomes a `Double`.
    private static func integer(_ text: UnsafeBufferPointer<UInt8>) -> Int64? {
        let negative = text[0] == UInt8(ascii: "-")
        var value: Int64 = 0
        for byte in text.dropFirst(negative ? 1 : 0) {
            let (product, overflow) = value.multipliedReportingOverflow(by: 10)
            let (sum, carry) = product.subtractingReportingOverflow(Int64(byte) - 0x30)
            guard !overflow, !carry else { return nil }
            value = sum
        }
        return negative ? value : (value == .min ? nil : -value)
    }

    // MARK: Whole values

    /// Passes over the next value, checking it, and gives the bytes it stands in.
    @discardableResult
    public mutating func skip() throws(JSONError) -> Range<Int> {
        let first = try peek()
        let start = position
        switch first {
        case UInt8(ascii: "{"):
            try beginObject()
            while try nextKey() != nil { try skip() }
        case UInt8(ascii: "["):
            try beginArray()
            while try nextElement() { try skip() }
        case UInt8(ascii: "\""): _ = try scanString()
        case UInt8(ascii: "t"): try literal("true")
        case UInt8(ascii: "f"): try literal("false")
        case UInt8(ascii: "n"): try literal("null")
        case UInt8(ascii: "-"), 0x30...0x39: _ = try number()
        default: throw error(.syntax, "value")
        }
        return start..<position
    }

    // MARK: Strings

    /// Passes over a string; gives the bytes between the quotes and whether an escape is among them.
    private mutating func scanString() throws(JSONError) -> (start: Int, end: Int, escaped: Bool) {
        position += 1
        let start = position
        var escaped = false
        while position < count {
            position = PlainBytes.end(base, from: position, count: count)
            guard position < count else { break }
            switch base[position] {
            case UInt8(ascii: "\""):
                let end = position
                position += 1
                return (start, end, escaped)
            case UInt8(ascii: "\\"):
                escaped = true
                position += 2
            default: throw error(.syntax, "string without control characters")
            }
        }
        position = count
        throw error(.unexpectedEnd)
    }

    private func unescape(_ start: Int, _ end: Int) throws(JSONError) -> String {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(end - start)
        var index = start
        while index < end {
            let byte = base[index]
            index += 1
            guard byte == UInt8(ascii: "\\") else {
                bytes.append(byte)
                continue
            }
            guard index < end else { throw JSONError(.syntax, offset: index) }
            let escape = base[index]
            index += 1
            switch escape {
            case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): bytes.append(escape)
            case UInt8(ascii: "b"): bytes.append(0x08)
            case UInt8(ascii: "f"): bytes.append(0x0C)
            case UInt8(ascii: "n"): bytes.append(0x0A)
            case UInt8(ascii: "r"): bytes.append(0x0D)
            case UInt8(ascii: "t"): bytes.append(0x09)
            case UInt8(ascii: "u"): bytes.append(contentsOf: String(try unicodeEscape(&index, end)).utf8)
            default: throw JSONError(.syntax, offset: index, expected: "escape")
            }
        }
        guard let text = String(validating: bytes, as: UTF8.self) else { throw JSONError(.encoding, offset: start) }
        return text
    }

    /// One scalar, from one escape or from a pair of surrogates. A lone surrogate becomes U+FFFD, as browsers read it.
    private func unicodeEscape(_ index: inout Int, _ end: Int) throws(JSONError) -> Character {
        let unit = try hexadecimal(&index, end)
        if let scalar = Unicode.Scalar(unit) { return Character(scalar) }
        if unit < 0xDC00, index + 6 <= end, base[index] == UInt8(ascii: "\\"), base[index + 1] == UInt8(ascii: "u") {
            var next = index + 2
            let low = try hexadecimal(&next, end)
            if low >= 0xDC00, low <= 0xDFFF,
                let scalar = Unicode.Scalar(0x10000 + (UInt32(unit) - 0xD800) << 10 + (UInt32(low) - 0xDC00))
            {
                index = next
                return Character(scalar)
            }
        }
        return "\u{FFFD}"
    }

    private func hexadecimal(_ index: inout Int, _ end: Int) throws(JSONError) -> UInt16 {
        guard index + 4 <= end else { throw JSONError(.syntax, offset: index, expected: "four hexadecimal digits") }
        var unit: UInt16 = 0
        for _ in 0..<4 {
            let digit: UInt8
            switch base[index] {
            case 0x30...0x39: digit = base[index] - 0x30
            case 0x41...0x46: digit = base[index] - 0x41 + 10
            case 0x61...0x66: digit = base[index] - 0x61 + 10
            default: throw JSONError(.syntax, offset: index, expected: "four hexadecimal digits")
            }
            unit = unit << 4 | UInt16(digit)
            index += 1
        }
        return unit
    }
}

/// A member's name, compared without allocating. Valid until its reader goes away.
public struct JSONKey {
    let bytes: UnsafeBufferPointer<UInt8>
    let unescaped: String?

    public static func ~= (pattern: StaticString, key: JSONKey) -> Bool {
        if let unescaped = key.unescaped { return unescaped == pattern.description }
        guard key.bytes.count == pattern.utf8CodeUnitCount else { return false }
        for index in 0..<key.bytes.count where key.bytes[index] != pattern.utf8Start[index] { return false }
        return true
    }

    /// The name as a string; bytes that are not UTF-8 are replaced.
    public var text: String { unescaped ?? String(decoding: bytes, as: UTF8.self) }
}
