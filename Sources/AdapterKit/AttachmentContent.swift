public import BusProtocol
import ChannelEvents

/// Which attachment the router wants, as the adapter itself named it in an event.
public struct AttachmentRequest: Hashable, Sendable {
    /// ``ChannelEvents/Attachment/id``.
    public var id: String
    /// The event's id and chat.
    public var event: String?
    public var chat: String?
    public var thread: String?
    /// A longer file is not taken, in bytes: an adapter need not load it.
    public var limit: Int64

    init(_ fetch: Fetch) {
        id = fetch.file
        event = fetch.event
        chat = fetch.chat
        thread = fetch.thread
        limit = fetch.limit
    }
}

/// An attachment's bytes, in whatever form an adapter has them. The kit sends them on piece by piece.
public enum AttachmentContent: Sendable {
    /// A few bytes that are in memory anyway.
    case bytes([UInt8])
    /// A file that stays as it is while it is read; with `isTemporary` the kit deletes it.
    case file(path: String, isTemporary: Bool = false)
    /// Bytes as a platform gives them; the kit keeps them in a private file until they are sent on. `size` when the
    /// platform says it. The stream is read no further than the asker's limit.
    case stream(any AsyncSequence<[UInt8], any Error> & Sendable)
}

/// A file that a command sends.
public struct CommandFile: Hashable, Sendable {
    /// Names its content to the router.
    public var id: String
    /// What people see; fit for every platform.
    public var name: String
    public var mediaType: String?
    /// In bytes.
    public var size: Int64
}

extension PlatformCommand {
    /// The files that a `send` has with its text, in order.
    public var files: [CommandFile] {
        (arguments["files"]?.arrayValue ?? []).compactMap { file in
            guard let id = file["id"]?.stringValue, let size = file["size"]?.integerValue else { return nil }
            return CommandFile(
                id: id, name: FileName.safe(file["name"]?.stringValue), mediaType: file["type"]?.stringValue, size: size
            )
        }
    }
}
