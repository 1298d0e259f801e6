import ChannelEvents
import JSON

extension RouterMessage {
    public var frames: BusFrames {
        switch self {
        case .welcome(let welcome): return .build(.welcome, epoch: nil) { welcome.write(to: &$0) }
        case .numbered(let position, let message): return message.frames(at: position)
        case .ack(let ack): return .build(.ack, at: ack.position) { ack.write(to: &$0) }
        case .answer(let answer): return answer.frames
        case .fetch(let epoch, let fetch): return fetch.frames(epoch)
        case .chunk(let epoch, let chunk): return chunk.frames(epoch)
        case .reset(let reset):
            return .build(.reset, epoch: nil) {
                $0.member("reason", reset.reason.rawValue)
                $0.member("expected", reset.expected)
            }
        case .error(let refusal):
            return .build(.error, epoch: nil) {
                $0.member("code", refusal.code)
                $0.member("command", refusal.command)
                $0.member("message", refusal.message)
            }
        case .heartbeat(let epoch): return .build(.heartbeat, epoch: epoch) { _ in }
        case .bye(let bye): return bye.frames
        }
    }

    public init(_ frames: BusFrames) throws(ProtocolError) {
        switch frames.command {
        case .welcome: self = .welcome(try Welcome(from: frames.value()))
        case .deliver:
            let (position, deliveries) = try Delivery.read(frames)
            self = .numbered(position, .deliver(deliveries))
        case .command:
            let header = try frames.value()
            self = .numbered(try header.position(), .command(try PlatformCommand(from: header, try frames.payload())))
        case .verdict:
            let header = try frames.value()
            guard let request = header["request"]?.stringValue, let allow = header["allow"]?.boolValue else {
                throw ProtocolError(.malformed, "VERDICT needs request and allow")
            }
            self = .numbered(try header.position(), .verdict(Verdict(request: request, allow: allow)))
        case .ack: self = .ack(try Acknowledgement(from: try frames.value()))
        case .fetch:
            let header = try frames.value()
            self = .fetch(epoch: try header.epoch(), try Fetch(from: header))
        case .chunk:
            let header = try frames.value()
            self = .chunk(epoch: try header.epoch(), try Chunk(from: frames, header))
        case .answer: self = .answer(try Answer(from: try frames.value(), try frames.payload()))
        case .reset:
            let header = try frames.value()
            self = .reset(
                Reset(
                    reason: header["reason"]?.stringValue.flatMap(Reset.Reason.init) ?? .stranger,
                    expected: header["expected"]?.integerValue.map { UInt64(bitPattern: $0) }))
        case .error:
            let header = try frames.value()
            self = .error(
                Refusal(
                    code: header["code"]?.stringValue ?? "", message: header["message"]?.stringValue ?? "",
                    command: header["command"]?.stringValue ?? ""))
        case .heartbeat: self = .heartbeat(epoch: try frames.value().epoch())
        case .bye: self = .bye(Bye(from: try frames.value()))
        case .hello, .publish, .receipt, .result, .ask, .hook, .call, .query, .health:
            throw ProtocolError(.unexpected, "\(frames.command.rawValue) is a peer's to say")
        }
    }
}

extension RouterMessage.Numbered {
    public func frames(at position: Position) -> BusFrames {
        switch self {
        case .deliver(let deliveries): return Delivery.frames(deliveries, at: position)
        case .command(let command):
            return .build(.command, at: position, payload: command.arguments.bytes) { command.write(to: &$0) }
        case .verdict(let verdict):
            return .build(.verdict, at: position) {
                $0.member("request", verdict.request)
                $0.key("allow")
                $0.bool(verdict.allow)
            }
        }
    }
}

extension Delivery {
    static func frames(_ deliveries: [Delivery], at position: Position) -> BusFrames {
        var writer = JSONWriter(capacity: 64 + deliveries.count * 160)
        writer.beginObject()
        writer.member("epoch", position.epoch)
        writer.member("seq", position.sequence)
        writer.key("deliveries")
        writer.beginArray()
        for delivery in deliveries {
            writer.beginObject()
            writer.member("delivery", delivery.id)
            writer.member("source", delivery.source.text)
            if delivery.redelivery > 0 { writer.member("redelivery", delivery.redelivery) }
            writer.member("stale", delivery.staleAge)
            writer.member("image", delivery.image)
            if delivery.count > 1 { writer.member("count", delivery.count) }
            writer.key("event")
            delivery.head.write(to: &writer)
            writer.endObject()
        }
        writer.endArray()
        writer.endObject()
        return BusFrames(.deliver, header: writer.bytes, payloads: deliveries.map(\.body))
    }

    static func read(_ frames: BusFrames) throws(ProtocolError) -> (Position, [Delivery]) {
        var epoch: Int64?
        var sequence: Int64?
        var deliveries: [Delivery] = []
        deliveries.reserveCapacity(frames.payloads.count)
        do throws(JSONError) {
            try JSONReader.read(frames.header) { reader throws(JSONError) in
                try reader.beginObject()
                while let key = try reader.nextKey() {
                    switch key {
                    case "epoch": try reader.integer(into: &epoch)
                    case "seq": try reader.integer(into: &sequence)
                    case "deliveries":
                        try reader.beginArray()
                        while try reader.nextElement() {
                            guard deliveries.count < frames.payloads.count else { throw JSONError(.range) }
                            deliveries.append(try Delivery(from: &reader, body: frames.payloads[deliveries.count]))
                        }
                    default: try reader.skip()
                    }
                }
            }
        } catch {
            throw ProtocolError(.malformed, "DELIVER header: \(error)")
        }
        guard let epoch, let sequence, deliveries.count == frames.payloads.count else {
            throw ProtocolError(.malformed, "DELIVER needs epoch, seq and a payload for each delivery")
        }
        return (Position(epoch: UInt64(bitPattern: epoch), sequence: UInt64(bitPattern: sequence)), deliveries)
    }

    private init(from reader: inout JSONReader, body: [UInt8]) throws(JSONError) {
        var id: Int64?
        var source: String?
        var redelivery: Int64?
        var staleAge: Int64?
        var image: String?
        var count: Int64?
        var head: EventHead?
        try reader.beginObject()
        while let key = try reader.nextKey() {
            switch key {
            case "delivery": try reader.integer(into: &id)
            case "source": try reader.string(into: &source)
            case "redelivery": try reader.integer(into: &redelivery)
            case "stale": try reader.integer(into: &staleAge)
            case "image": try reader.string(into: &image)
            case "count": try reader.integer(into: &count)
            case "event": head = try EventHead(from: &reader)
            default: try reader.skip()
            }
        }
        guard let id, let head, let source = source.flatMap(SourceName.init) else {
            throw JSONError(.missingKey, expected: "delivery, source, event")
        }
        self.init(
            id: id, source: source, head: head, redelivery: redelivery ?? 0, staleAge: staleAge,
            count: max(1, count ?? 1), image: image, body: body)
    }
}

extension PlatformCommand {
    func write(to writer: inout JSONWriter) {
        writer.member("key", key)
        writer.member("verb", verb)
        writer.member("chat", chat)
        writer.member("thread", thread)
        writer.member("reply_to", replyTo)
        writer.flag("again", again)
        if attempt > 1 { writer.member("attempt", attempt) }
    }

    init(from header: JSONValue, _ payload: JSONValue) throws(ProtocolError) {
        guard let key = header["key"]?.stringValue, let verb = header["verb"]?.stringValue,
            let chat = header["chat"]?.stringValue
        else { throw ProtocolError(.malformed, "COMMAND needs key, verb and chat") }
        self.init(
            key: key, verb: verb, chat: chat, thread: header["thread"]?.stringValue,
            replyTo: header["reply_to"]?.stringValue, again: header["again"]?.boolValue ?? false,
            attempt: max(1, header["attempt"]?.integerValue ?? 1), arguments: payload)
    }
}

extension Acknowledgement {
    func write(to writer: inout JSONWriter) {
        if let credit {
            writer.key("credit")
            credit.write(to: &writer)
        }
        guard !refused.isEmpty else { return }
        writer.key("refused")
        writer.beginArray()
        for event in refused {
            writer.beginObject()
            writer.member("seq", event.sequence)
            writer.member("index", event.index)
            writer.member("code", event.code)
            writer.endObject()
        }
        writer.endArray()
    }

    init(from header: JSONValue) throws(ProtocolError) {
        var refused: [RefusedEvent] = []
        for item in header["refused"]?.arrayValue ?? [] {
            guard let sequence = item["seq"]?.integerValue, let index = item["index"]?.integerValue else {
                throw ProtocolError(.malformed, "a refused event needs seq and index")
            }
            refused.append(
                RefusedEvent(
                    sequence: UInt64(bitPattern: sequence), index: Int(index),
                    code: item["code"]?.stringValue ?? "refused"))
        }
        self.init(position: try header.position(), refused: refused, credit: header["credit"].map(Credit.init(from:)))
    }
}

extension Answer {
    var frames: BusFrames {
        switch outcome {
        case .success(let value): return .build(.answer, epoch: epoch, payload: value.bytes) { $0.member("id", id) }
        case .failure(let code, let message):
            return .build(.answer, epoch: epoch, payload: JSONValue.string(message).bytes) {
                $0.member("id", id)
                $0.member("code", code)
            }
        }
    }

    init(from header: JSONValue, _ payload: JSONValue) throws(ProtocolError) {
        guard let id = header["id"]?.stringValue else { throw ProtocolError(.malformed, "ANSWER needs id") }
        let outcome: Outcome =
            header["code"]?.stringValue.map { .failure(code: $0, message: payload.stringValue ?? "") }
            ?? .success(payload)
        self.init(epoch: try header.epoch(), id: id, outcome: outcome)
    }
}
