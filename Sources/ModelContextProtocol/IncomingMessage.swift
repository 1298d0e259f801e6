public import JSON

/// One JSON-RPC 2.0 message from a client.
public enum IncomingMessage: Hashable, Sendable {
    case request(RequestID, method: String, parameters: JSONObject)
    case notification(method: String, parameters: JSONObject)
    /// An answer to a request of ours.
    case response(RequestID?)

    /// Why a line is no message, and to which id that is to be said: `nil` for a line whose id cannot be known, which
    /// is answered without one.
    public struct Failure: Error, Hashable, Sendable {
        public var id: RequestID?
        public var error: RPCError
    }

    /// Reads one line, without its line break.
    public init(line: some Collection<UInt8>) throws(Failure) {
        let value: JSONValue
        do throws(JSONError) {
            value = try JSONValue(parsing: line)
        } catch {
            throw Failure(error: RPCError(.parseError, "Parse error: \(error)"))
        }
        guard case .object(let members) = value else {
            let isBatch = value.arrayValue != nil
            let reason = isBatch ? "Batches are not served; send one message a line" : "A message is a JSON object"
            throw Failure(error: RPCError(.invalidRequest, reason))
        }
        let id = members["id"].flatMap(RequestID.init)
        guard members["jsonrpc"] == "2.0" else {
            throw Failure(id: id, error: RPCError(.invalidRequest, #"jsonrpc must be "2.0""#))
        }
        guard let method = members["method"] else {
            guard members["result"] != nil || members["error"] != nil else {
                throw Failure(id: id, error: RPCError(.invalidRequest, "A message has a method, a result or an error"))
            }
            self = .response(id)
            return
        }
        guard case .string(let method) = method else {
            throw Failure(id: id, error: RPCError(.invalidRequest, "method must be a string"))
        }
        guard members["id"] != nil else {
            // A notification is never answered, not even when its parameters make no sense.
            self = .notification(method: method, parameters: members["params"]?.objectValue ?? [:])
            return
        }
        guard let id else { throw Failure(error: RPCError(.invalidRequest, "id must be a string or an integer")) }
        switch members["params"] {
        case .none: self = .request(id, method: method, parameters: [:])
        case .object(let parameters): self = .request(id, method: method, parameters: parameters)
        default: throw Failure(id: id, error: RPCError(.invalidParameters, "params must be an object"))
        }
    }
}
