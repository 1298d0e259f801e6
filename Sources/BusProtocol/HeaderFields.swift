import JSON

extension BusFrames {
    /// A message whose header is one object, `epoch` and `seq` first.
    static func build(
        _ command: Command, epoch: UInt64?, payload: [UInt8]? = nil, _ members: (inout JSONWriter) -> Void
    ) -> BusFrames {
        var writer = JSONWriter()
        writer.beginObject()
        writer.member("epoch", epoch)
        members(&writer)
        writer.endObject()
        return BusFrames(command, header: writer.bytes, payloads: payload.map { [$0] } ?? [])
    }

    static func build(
        _ command: Command, at position: Position, payload: [UInt8]? = nil, _ members: (inout JSONWriter) -> Void
    ) -> BusFrames {
        build(command, epoch: position.epoch, payload: payload) {
            $0.member("seq", position.sequence)
            members(&$0)
        }
    }

    /// The header as an object.
    func value() throws(ProtocolError) -> JSONValue {
        do throws(JSONError) {
            let value = try JSONValue(parsing: header)
            guard case .object = value else { throw JSONError(.wrongType, expected: "object") }
            return value
        } catch {
            throw ProtocolError(.malformed, "\(command.rawValue) header: \(error)")
        }
    }

    /// The first payload as JSON.
    func payload() throws(ProtocolError) -> JSONValue {
        guard let first = payloads.first else { throw ProtocolError(.malformed, "\(command.rawValue) needs a payload") }
        do throws(JSONError) {
            return try JSONValue(parsing: first)
        } catch {
            throw ProtocolError(.malformed, "\(command.rawValue) payload: \(error)")
        }
    }
}

extension JSONValue {
    func epoch() throws(ProtocolError) -> UInt64 {
        guard let epoch = self["epoch"]?.integerValue else { throw ProtocolError(.malformed, "epoch is missing") }
        return UInt64(bitPattern: epoch)
    }

    func position() throws(ProtocolError) -> Position {
        guard let sequence = self["seq"]?.integerValue, sequence >= 0 else {
            throw ProtocolError(.malformed, "seq is missing")
        }
        return Position(epoch: try epoch(), sequence: UInt64(sequence))
    }
}

extension Bye {
    var frames: BusFrames {
        .build(.bye, epoch: nil) {
            $0.member("code", code)
            $0.member("message", message)
        }
    }

    init(from header: JSONValue) {
        self.init(
            code: header["code"]?.stringValue ?? "", message: String((header["message"]?.stringValue ?? "").prefix(500))
        )
    }
}
