import ChannelEvents
public import JSON

extension PeerMessage {
    public var frames: BusFrames {
        switch self {
        case .hello(let hello): return .build(.hello, epoch: nil) { hello.write(to: &$0) }
        case .numbered(let position, let message): return message.frames(at: position)
        case .call(let epoch, let call): return call.frames(.call, epoch)
        case .query(let epoch, let call): return call.frames(.query, epoch)
        case .health(let epoch, let health): return .build(.health, epoch: epoch) { health.write(to: &$0) }
        case .fetch(let epoch, let fetch): return fetch.frames(epoch)
        case .chunk(let epoch, let chunk): return chunk.frames(epoch)
        case .ack(let position): return .build(.ack, epoch: position.epoch) { $0.member("seq", position.sequence) }
        case .heartbeat(let epoch): return .build(.heartbeat, epoch: epoch) { _ in }
        case .bye(let bye): return bye.frames
        }
    }

    /// Reads one message. An event of a batch that cannot be read becomes one without a head; all else throws.
    public init(_ frames: BusFrames) throws(ProtocolError) {
        switch frames.command {
        case .publish:
            let (position, publish) = try Publish.read(frames)
            self = .numbered(position, .publish(publish))
        case .hello: self = .hello(try Hello(from: frames.value()))
        case .receipt:
            let header = try frames.value()
            self = .numbered(try header.position(), .receipt(Receipt(from: header)))
        case .result:
            let header = try frames.value()
            self = .numbered(try header.position(), .result(try CommandResult(from: header)))
        case .ask:
            let header = try frames.value()
            self = .numbered(try header.position(), .ask(try PermissionRequest(from: header, try frames.payload())))
        case .hook:
            let header = try frames.value()
            self = .numbered(try header.position(), .hook(try HookReport(from: header, try frames.payload())))
        case .call:
            let header = try frames.value()
            self = .call(epoch: try header.epoch(), try Call(from: header, try frames.payload()))
        case .query:
            let header = try frames.value()
            self = .query(epoch: try header.epoch(), try Call(from: header, try frames.payload()))
        case .health:
            let header = try frames.value()
            self = .health(epoch: try header.epoch(), try Health(from: header))
        case .fetch:
            let header = try frames.value()
            self = .fetch(epoch: try header.epoch(), try Fetch(from: header))
        case .chunk:
            let header = try frames.value()
            self = .chunk(epoch: try header.epoch(), try Chunk(from: frames, header))
        case .ack: self = .ack(try frames.value().position())
        case .heartbeat: self = .heartbeat(epoch: try frames.value().epoch())
        case .bye: self = .bye(Bye(from: try frames.value()))
        case .welcome, .deliver, .command, .verdict, .answer, .reset, .error:
            throw ProtocolError(.unexpected, "\(frames.command.rawValue) is the router's to say")
        }
    }
}

extension PeerMessage.Numbered {
    public func frames(at position: Position) -> BusFrames {
        switch self {
        case .publish(let publish): return publish.frames(at: position)
        case .receipt(let receipt): return .build(.receipt, at: position) { receipt.write(to: &$0) }
        case .result(let result): return .build(.result, at: position) { result.write(to: &$0) }
        case .ask(let ask):
            return .build(.ask, at: position, payload: ask.payload) { $0.member("request", ask.request) }
        case .hook(let hook): return .build(.hook, at: position, payload: hook.members.bytes) { hook.write(to: &$0) }
        }
    }

    /// What it takes of the router's credit.
    public var eventCount: Int {
        if case .publish(let publish) = self { return max(publish.events.count, 1) }
        return 1
    }
}

extension Publish {
    func frames(at position: Position) -> BusFrames {
        var writer = JSONWriter(capacity: 64 + events.count * 128)
        writer.beginObject()
        writer.member("epoch", position.epoch)
        writer.member("seq", position.sequence)
        if let cursor {
            writer.key("cursor")
            writer.raw(cursor)
        }
        writer.key("events")
        writer.beginArray()
        for event in events {
            if let head = event.head { head.write(to: &writer) } else { writer.null() }
        }
        writer.endArray()
        writer.endObject()
        return BusFrames(.publish, header: writer.bytes, payloads: events.map(\.body))
    }

    /// The hot path: the header is read once, the bodies are not read at all.
    static func read(_ frames: BusFrames) throws(ProtocolError) -> (Position, Publish) {
        var epoch: Int64?
        var sequence: Int64?
        var heads: [EventHead?] = []
        heads.reserveCapacity(frames.payloads.count)
        var cursor: [UInt8]?
        do throws(JSONError) {
            try JSONReader.read(frames.header) { reader throws(JSONError) in
                try reader.beginObject()
                while let key = try reader.nextKey() {
                    switch key {
                    case "epoch": try reader.integer(into: &epoch)
                    case "seq": try reader.integer(into: &sequence)
                    case "cursor": cursor = Array(frames.header[try reader.skip()])
                    case "events":
                        try reader.beginArray()
                        while try reader.nextElement() { heads.append(try reader.lenientHead()) }
                    default: try reader.skip()
                    }
                }
            }
            // Stored as it came, and read when its adapter is welcomed: one that cannot be read then would be lost.
            if let cursor { _ = try JSONValue(parsing: cursor) }
        } catch {
            throw ProtocolError(.malformed, "PUBLISH header: \(error)")
        }
        guard let epoch, let sequence, sequence > 0 else {
            throw ProtocolError(.malformed, "PUBLISH needs epoch and seq")
        }
        guard heads.count == frames.payloads.count, heads.count <= BusLimits.batch else {
            throw ProtocolError(.malformed, "PUBLISH needs a payload for each event, at most \(BusLimits.batch)")
        }
        var events: [PublishedEvent] = []
        events.reserveCapacity(heads.count)
        for (index, head) in heads.enumerated() {
            events.append(PublishedEvent(head: head, body: frames.payloads[index]))
        }
        let position = Position(epoch: UInt64(bitPattern: epoch), sequence: UInt64(sequence))
        return (position, Publish(events: events, cursor: cursor))
    }
}

extension JSONReader {
    /// One head, or `nil` when it is well-formed JSON but not a head.
    fileprivate mutating func lenientHead() throws(JSONError) -> EventHead? {
        let start = self
        do throws(JSONError) {
            return try EventHead(from: &self)
        } catch {
            guard error.code != .syntax, error.code != .unexpectedEnd, error.code != .depth else { throw error }
            self = start
            try skip()
            return nil
        }
    }
}

extension Receipt {
    func write(to writer: inout JSONWriter) {
        writer.key("written")
        writer.integers(written)
        if !verdicts.isEmpty {
            writer.key("verdicts")
            writer.beginArray()
            for request in verdicts { writer.string(request) }
            writer.endArray()
        }
        guard !failed.isEmpty else { return }
        writer.key("failed")
        writer.beginArray()
        for failure in failed {
            writer.beginObject()
            writer.member("delivery", failure.delivery)
            writer.member("code", failure.code)
            writer.endObject()
        }
        writer.endArray()
    }

    init(from header: JSONValue) {
        self.init(
            written: header["written"]?.arrayValue?.compactMap(\.integerValue) ?? [],
            failed: header["failed"]?.arrayValue?.compactMap { item in
                guard let delivery = item["delivery"]?.integerValue else { return nil }
                return Failure(delivery: delivery, code: String((item["code"]?.stringValue ?? "failed").prefix(64)))
            } ?? [],
            verdicts: header["verdicts"]?.arrayValue?.compactMap(\.stringValue) ?? [])
    }
}

extension CommandResult {
    func write(to writer: inout JSONWriter) {
        writer.member("key", key)
        switch outcome {
        case .sent(let ids):
            writer.member("outcome", "sent")
            writer.key("ids")
            writer.beginArray()
            for id in ids { writer.string(id) }
            writer.endArray()
        case .rejected(let reason):
            writer.member("outcome", "rejected")
            writer.member("reason", reason)
        case .retry(let after, let reason):
            writer.member("outcome", "retry")
            writer.member("after", after)
            writer.member("reason", reason)
        case .unknown(let reason):
            writer.member("outcome", "unknown")
            writer.member("reason", reason)
        }
    }

    init(from header: JSONValue) throws(ProtocolError) {
        guard let key = header["key"]?.stringValue else { throw ProtocolError(.malformed, "RESULT needs key") }
        let reason = String((header["reason"]?.stringValue ?? "").prefix(500))
        switch header["outcome"]?.stringValue {
        case "sent":
            self.init(key: key, outcome: .sent(ids: header["ids"]?.arrayValue?.compactMap(\.stringValue) ?? []))
        case "rejected": self.init(key: key, outcome: .rejected(reason: reason))
        case "retry":
            self.init(key: key, outcome: .retry(after: max(0, header["after"]?.integerValue ?? 0), reason: reason))
        case "unknown": self.init(key: key, outcome: .unknown(reason: reason))
        default: throw ProtocolError(.malformed, "outcome is sent, rejected, retry or unknown")
        }
    }
}

extension PermissionRequest {
    var payload: [UInt8] {
        JSONValue.object([
            "tool": .string(tool), "description": .string(description), "preview": .string(preview),
        ]).bytes
    }

    init(from header: JSONValue, _ payload: JSONValue) throws(ProtocolError) {
        guard let request = header["request"]?.stringValue, let tool = payload["tool"]?.stringValue else {
            throw ProtocolError(.malformed, "ASK needs request and tool")
        }
        self.init(
            request: request, tool: tool, description: payload["description"]?.stringValue ?? "",
            preview: payload["preview"]?.stringValue ?? "")
    }
}

extension HookReport {
    /// The form in which an operator's QUERY `hook` carries it.
    public var json: JSONValue {
        var json: JSONObject = [
            "id": .string(id), "name": .string(name), "at": .integer(at), "answer": .bool(wantsAnswer),
            "members": members,
        ]
        if let prompt { json["prompt"] = .string(prompt) }
        if let session { json["session"] = .string(session) }
        return .object(json)
    }

    /// - Throws: ``ProtocolError`` with `malformed`.
    public init(json: JSONValue) throws(ProtocolError) { try self.init(from: json, json["members"] ?? [:]) }

    func write(to writer: inout JSONWriter) {
        writer.member("id", id)
        writer.member("name", name)
        writer.member("at", at)
        writer.member("prompt", prompt)
        writer.member("session", session)
        writer.flag("answer", wantsAnswer)
    }

    init(from header: JSONValue, _ payload: JSONValue) throws(ProtocolError) {
        guard let id = header["id"]?.stringValue, (1...256).contains(id.utf8.count),
            let name = header["name"]?.stringValue, (1...64).contains(name.utf8.count),
            let at = header["at"]?.integerValue
        else { throw ProtocolError(.malformed, "HOOK needs at, a name, and an id of 1 to 256 bytes") }
        self.init(
            id: id, name: name, at: at, prompt: header["prompt"]?.stringValue, session: header["session"]?.stringValue,
            wantsAnswer: header["answer"]?.boolValue ?? false, members: payload)
    }
}

extension Call {
    func frames(_ command: Command, _ epoch: UInt64) -> BusFrames {
        .build(command, epoch: epoch, payload: arguments.bytes) {
            $0.member("id", id)
            $0.member("name", name)
        }
    }

    init(from header: JSONValue, _ payload: JSONValue) throws(ProtocolError) {
        guard let id = header["id"]?.stringValue, (1...256).contains(id.utf8.count),
            let name = header["name"]?.stringValue
        else { throw ProtocolError(.malformed, "a call needs a name and an id of 1 to 256 bytes") }
        self.init(id: id, name: name, arguments: payload)
    }
}

extension Health {
    func write(to writer: inout JSONWriter) {
        writer.member("state", state.rawValue)
        writer.member("reason", reason)
        guard !resumed.isEmpty else { return }
        writer.key("resumed")
        writer.beginArray()
        for chat in resumed { writer.string(chat) }
        writer.endArray()
    }

    init(from header: JSONValue) throws(ProtocolError) {
        guard let state = header["state"]?.stringValue.flatMap(State.init) else {
            throw ProtocolError(.malformed, "state is up, deaf or failed")
        }
        self.init(
            state: state, reason: header["reason"]?.stringValue.map { String($0.prefix(500)) },
            resumed: header["resumed"]?.arrayValue?.compactMap(\.stringValue) ?? [])
    }
}
