public import JSON

/// The id of a request, echoed with its value and its type: Claude Code's first one is the integer 0.
public enum RequestID: Hashable, Sendable, CustomStringConvertible {
    case integer(Int64)
    case string(String)

    /// `nil` for what JSON-RPC does not allow as an id here: null, fractions, booleans, containers.
    public init?(_ value: JSONValue) {
        switch value {
        case .integer(let integer): self = .integer(integer)
        case .string(let string): self = .string(string)
        default: return nil
        }
    }

    public var json: JSONValue {
        switch self {
        case .integer(let integer): return .integer(integer)
        case .string(let string): return .string(string)
        }
    }

    public var description: String {
        switch self {
        case .integer(let integer): return String(integer)
        case .string(let string): return string
        }
    }
}
