public import BusProtocol
public import ChannelEvents
import JSON
public import OperatingHome
import Synchronization

extension ScriptedPlatform {
    /// A file as a person of this platform got it.
    public struct File: Hashable, Sendable {
        public var name: String
        public var bytes: [UInt8]

        public init(name: String, bytes: [UInt8]) {
            self.name = name
            self.bytes = bytes
        }
    }

    /// Makes a file on the platform; an event may name it. - Returns: the attachment.
    public func attach(
        _ bytes: [UInt8], id: String, name: String? = nil, type: String? = nil, expires: Bool = false
    ) throws(HomeError) -> Attachment {
        try Self.write(bytes, to: attachmentPath(id))
        return Attachment(id: id, name: name, mediaType: type, size: Int64(bytes.count), expires: expires)
    }

    /// A person sends a message with files. - Returns: the message's id.
    @discardableResult
    public func send(
        _ attachments: [Attachment], text: String = "", from sender: String, in chat: String? = nil, id: String
    ) -> String {
        post(
            Event(
                head: EventHead(id: id, chat: chat ?? sender, sender: sender, flags: .direct, time: Self.now()),
                body: EventBody(text: text, user: sender, attachments: attachments)))
        return id
    }

    /// What becomes of an attachment when it is fetched.
    public enum Giving: Hashable, Sendable {
        case give
        /// Not before ``releaseFiles()``.
        case hold
        case refuse(FetchFailure)
    }

    /// Decides what becomes of attachments from now on, by their ids.
    public func giveFiles(_ decide: @escaping @Sendable (String) -> Giving) {
        line.withLock { $0.give = decide }
    }

    /// From now on attachments are given, also those that were held back.
    public func releaseFiles() {
        let held = line.withLock { line in
            line.give = { _ in .give }
            defer { line.heldFetches = [] }
            return line.heldFetches
        }
        for fetch in held { give(fetch.file, fetch.number, on: fetch.socket) }
    }

    /// The attachments that the adapter was asked for, in order, once there are so many.
    public func fetched(_ count: Int) async throws -> [String] {
        try await state.wait(for: "\(count) fetches") { $0.fetched.count >= count }.fetched
    }

    /// The files that came with a command.
    public func files(of key: String) -> [File] { state.value.files[key] ?? [] }

    private func attachmentPath(_ id: String) -> String { "\(folder)/\(FileName.safe(id))" }

    func give(_ file: String, _ number: Int64, on socket: Int32) {
        state.change { $0.fetched.append(file) }
        let decision = line.withLock { line -> Giving in
            let decision = line.give(file)
            if decision == .hold { line.heldFetches.append((number, file, socket)) }
            return decision
        }
        var answer: JSONObject = ["fetched": .integer(number)]
        switch decision {
        case .hold: return
        case .give: answer["path"] = .string(attachmentPath(file))
        case .refuse(let failure):
            answer["code"] = .string(failure.code.rawValue)
            answer["message"] = .string(failure.message)
        }
        let bytes = JSONValue.object(answer).bytes + CollectionOfOne(0x0A)
        line.withLock { line in
            if line.connection == socket { Self.send(bytes, to: socket) }
        }
    }

    func keepFiles(_ files: [JSONValue], of key: String) {
        let kept = files.compactMap { file -> File? in
            guard let path = file["path"]?.stringValue else { return nil }
            do throws(HomeError) {
                let bytes = try SmallFile.read(path, limit: 256 << 20) ?? []
                return File(name: file["name"]?.stringValue ?? "", bytes: bytes)
            } catch {
                return nil  // the test sees that it is missing
            }
        }
        if !kept.isEmpty { state.change { $0.files[key] = kept } }
    }

    /// What was said on the platform before, oldest first; an adapter that is asked for a history gives it.
    public func remember(_ events: [Event]) { line.withLock { $0.past = events } }

    func tellPast(_ question: JSONValue, _ number: Int64, on socket: Int32) {
        var events = line.withLock { $0.past }.filter { $0.head.chat == question["chat"]?.stringValue }
        if let before = question["before"]?.stringValue, let index = events.firstIndex(where: { $0.head.id == before })
        {
            events.removeSubrange(index...)
        }
        var writer = JSONWriter(capacity: 1_024)
        writer.beginObject()
        writer.member("past", number)
        writer.key("events")
        writer.beginArray()
        for event in events.suffix(Int(question["limit"]?.integerValue ?? 20)) {
            writer.beginObject()
            writer.key("head")
            event.head.write(to: &writer)
            writer.key("body")
            writer.raw(event.body.json)
            writer.endObject()
        }
        writer.endArray()
        writer.endObject()
        let bytes = writer.bytes + CollectionOfOne(0x0A)
        line.withLock { line in
            if line.connection == socket { Self.send(bytes, to: socket) }
        }
    }
}
