public import JSON
public import ModelContextProtocol
import Synchronization

/// A client that keeps every line. Lines count as written when the test says so.
public final class RecordedOutput: LineOutput {
    private let state = Mutex<(bytes: [UInt8], number: UInt64)>(([], 0))

    public init() {}

    public func write(_ lines: [UInt8], number: UInt64) {
        state.withLock { state in
            state.bytes += lines
            state.number = number
        }
    }

    /// The number of the last write.
    public var number: UInt64 { state.withLock { $0.number } }
    public var bytes: [UInt8] { state.withLock { $0.bytes } }

    /// All lines so far, parsed.
    /// - Throws: `JSONError` for a line that is no JSON, also when the last one has no end.
    public func messages() throws(JSONError) -> [JSONValue] {
        var messages: [JSONValue] = []
        let bytes = self.bytes
        guard bytes.isEmpty || bytes.last == 0x0A else { throw JSONError(.unexpectedEnd, offset: bytes.count) }
        for line in bytes.split(separator: 0x0A, omittingEmptySubsequences: false).dropLast() {
            messages.append(try JSONValue(parsing: line))
        }
        return messages
    }

    /// The parameters of all notifications of one method.
    public func notifications(_ method: String) throws(JSONError) -> [JSONValue] {
        try messages().filter { $0["method"]?.stringValue == method }.compactMap { $0["params"] }
    }

    /// The answer to one request.
    public func response(to id: JSONValue) throws(JSONError) -> JSONValue? {
        try messages().first { $0["id"] == id && $0["method"] == nil }
    }
}
