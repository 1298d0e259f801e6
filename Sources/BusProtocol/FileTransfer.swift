import JSON

/// FETCH: whoever needs a file asks whoever has it for a range of its bytes; CHUNK answers.
///
/// Not numbered and not kept: on a new link the asker asks again from where it stands, so that a transfer goes on where
/// it broke, and nobody stores up what nobody reads.
public struct Fetch: Hashable, Sendable {
    /// The asker's name for the transfer; every CHUNK of it says it again.
    public var id: String
    /// Asked of an adapter, the id of an attachment of one of its events; asked of the router, the SHA-256 of a stored
    /// file in hexadecimal; asked of an endpoint, a name that it gave in a CALL.
    public var file: String
    /// Of an attachment: the event it came with, and where that happened.
    public var event: String?
    public var chat: String?
    public var thread: String?
    /// The first byte that is wanted, from 0, and how many at most.
    public var offset: Int64
    public var count: Int
    /// The version whose bytes before `offset` the asker has.
    public var version: String?
    /// The asker takes no file that is longer, in bytes.
    public var limit: Int64
    /// Wanted is no attachment but what was said in `chat` before `event`: so many messages, as a JSON list of events.
    public var messages: Int?

    public init(
        id: String, file: String, event: String? = nil, chat: String? = nil, thread: String? = nil, offset: Int64 = 0,
        count: Int = BusLimits.chunkBytes, version: String? = nil, limit: Int64,
        messages: Int? = nil
    ) {
        self.id = id
        self.file = file
        self.event = event
        self.chat = chat
        self.thread = thread
        self.offset = offset
        self.count = count
        self.version = version
        self.limit = limit
        self.messages = messages
    }
}

/// CHUNK: a piece of a file, raw, or why there is none.
public struct Chunk: Hashable, Sendable {
    public var id: String
    public var content: Content

    public enum Content: Hashable, Sendable {
        case bytes(Piece)
        case failure(FetchFailure)
    }

    public struct Piece: Hashable, Sendable {
        /// Where `bytes` begin. When it is 0 although more was asked for, the file is another version than the asker's,
        /// who begins anew.
        public var offset: Int64
        /// Of the whole file, where it is known.
        public var size: Int64?
        /// Equal for two pieces of one content; bytes of different versions do not belong together.
        public var version: String
        /// Nothing comes after these bytes.
        public var isLast: Bool
        public var bytes: [UInt8]

        public init(offset: Int64, size: Int64? = nil, version: String, isLast: Bool, bytes: [UInt8]) {
            self.offset = offset
            self.size = size
            self.version = version
            self.isLast = isLast
            self.bytes = bytes
        }
    }

    public init(id: String, _ content: Content) {
        self.id = id
        self.content = content
    }
}

/// Why a file's bytes cannot be had.
public struct FetchFailure: Error, Hashable, Sendable, CustomStringConvertible {
    /// Travels as `code`; one that a peer does not know counts as ``unavailable``.
    public enum Code: String, Sendable, CaseIterable {
        /// There is no such file, or not any more: the link has expired, the message was deleted.
        case gone
        /// It is longer than the asker takes.
        case oversize
        /// Not for this asker.
        case notAllowed = "not-allowed"
        /// Not now: the platform is away.
        case unavailable
        /// The platform, or the adapter, cannot give files at all.
        case unsupported
    }

    public let code: Code
    /// For a person; no secret and no address with a token in it.
    public let message: String

    public init(_ code: Code, _ message: String) {
        self.code = code
        self.message = message
    }

    public var description: String { "\(code.rawValue): \(message)" }
}

extension Fetch {
    func frames(_ epoch: UInt64) -> BusFrames {
        .build(.fetch, epoch: epoch) {
            $0.member("id", id)
            $0.member("file", file)
            $0.member("event", event)
            $0.member("chat", chat)
            $0.member("thread", thread)
            $0.member("offset", offset)
            $0.member("count", Int64(count))
            $0.member("version", version)
            $0.member("limit", limit)
            $0.member("messages", messages.map(Int64.init))
        }
    }

    init(from header: JSONValue) throws(ProtocolError) {
        guard let id = header["id"]?.stringValue, (1...256).contains(id.utf8.count),
            let file = header["file"]?.stringValue, (1...4096).contains(file.utf8.count),
            let offset = header["offset"]?.integerValue, offset >= 0
        else { throw ProtocolError(.malformed, "FETCH needs offset, a file of 1 to 4096 bytes, an id of 1 to 256") }
        self.init(
            id: id, file: file, event: header["event"]?.stringValue, chat: header["chat"]?.stringValue,
            thread: header["thread"]?.stringValue, offset: offset,
            count: Int(min(max(header["count"]?.integerValue ?? .max, 1), Int64(BusLimits.chunkBytes))),
            version: header["version"]?.stringValue, limit: max(0, header["limit"]?.integerValue ?? .max),
            messages: header["messages"]?.integerValue.map { Int(min(max($0, 1), 1_000)) })
    }
}

extension Chunk {
    func frames(_ epoch: UInt64) -> BusFrames {
        switch content {
        case .bytes(let piece):
            return .build(.chunk, epoch: epoch, payload: piece.bytes) {
                $0.member("id", id)
                $0.member("offset", piece.offset)
                $0.member("size", piece.size)
                $0.member("version", piece.version)
                $0.flag("last", piece.isLast)
            }
        case .failure(let failure):
            return .build(.chunk, epoch: epoch) {
                $0.member("id", id)
                $0.member("code", failure.code.rawValue)
                $0.member("message", failure.message)
            }
        }
    }

    init(from frames: BusFrames, _ header: JSONValue) throws(ProtocolError) {
        guard let id = header["id"]?.stringValue, (1...256).contains(id.utf8.count) else {
            throw ProtocolError(.malformed, "CHUNK needs an id of 1 to 256 bytes")
        }
        if let code = header["code"]?.stringValue {
            let message = String((header["message"]?.stringValue ?? "").prefix(500))
            self.init(id: id, .failure(FetchFailure(FetchFailure.Code(rawValue: code) ?? .unavailable, message)))
            return
        }
        guard let bytes = frames.payloads.first, bytes.count <= BusLimits.chunkBytes else {
            throw ProtocolError(.oversize, "CHUNK needs a payload of at most \(BusLimits.chunkBytes) bytes")
        }
        guard let offset = header["offset"]?.integerValue, offset >= 0, offset <= .max - Int64(bytes.count),
            let version = header["version"]?.stringValue, (1...256).contains(version.utf8.count)
        else { throw ProtocolError(.malformed, "CHUNK needs offset and a version of 1 to 256 bytes") }
        let size = header["size"]?.integerValue.map { max(0, $0) }
        self.init(
            id: id,
            .bytes(
                Piece(
                    offset: offset, size: size, version: version, isLast: header["last"]?.boolValue ?? false,
                    bytes: bytes)))
    }
}
