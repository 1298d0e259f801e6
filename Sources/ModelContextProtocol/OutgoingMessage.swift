public import JSON

/// Lines to a client, each ended by its line break.
public enum OutgoingMessage {
    public static func result(_ id: RequestID, _ result: (inout JSONWriter) -> Void) -> [UInt8] {
        line { writer in
            writer.member("id", id.json)
            writer.key("result")
            result(&writer)
        }
    }

    /// - Parameter id: `nil` leaves it out, for a line whose id could not be read.
    public static func error(_ id: RequestID?, _ error: RPCError) -> [UInt8] {
        line { writer in
            writer.member("id", id?.json)
            writer.key("error")
            writer.beginObject()
            writer.member("code", error.code.rawValue)
            writer.member("message", error.message)
            writer.member("data", error.data)
            writer.endObject()
        }
    }

    /// - Parameter capacity: an estimate of the line's length in bytes.
    public static func notification(
        _ method: String, capacity: Int = 256, _ parameters: (inout JSONWriter) -> Void
    ) -> [UInt8] {
        line(capacity: capacity) { writer in
            writer.member("method", method)
            writer.key("params")
            parameters(&writer)
        }
    }

    private static func line(capacity: Int = 256, _ members: (inout JSONWriter) -> Void) -> [UInt8] {
        var writer = JSONWriter(capacity: capacity)
        writer.beginObject()
        writer.member("jsonrpc", "2.0")
        members(&writer)
        writer.endObject()
        var bytes = writer.bytes
        bytes.append(0x0A)
        return bytes
    }
}
