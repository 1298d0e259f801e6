public import JSON

/// A JSON-RPC error object. The text is ours, never the peer's.
public struct RPCError: Error, Hashable, Sendable, CustomStringConvertible {
    /// Open: a peer may know more codes.
    public struct Code: Hashable, Sendable, RawRepresentable {
        public let rawValue: Int64
        public init(rawValue: Int64) { self.rawValue = rawValue }

        public static let parseError = Code(rawValue: -32700)
        public static let invalidRequest = Code(rawValue: -32600)
        public static let methodNotFound = Code(rawValue: -32601)
        public static let invalidParameters = Code(rawValue: -32602)
        /// Of revision 2026-07-28: the request names a protocol version that is not served here.
        public static let unsupportedProtocolVersion = Code(rawValue: -32022)
    }

    public let code: Code
    public let message: String
    public let data: JSONValue?

    public init(_ code: Code, _ message: String, data: JSONValue? = nil) {
        self.code = code
        self.message = message
        self.data = data
    }

    public var description: String { "\(code.rawValue): \(message)" }
}
