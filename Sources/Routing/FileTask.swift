public import BusProtocol
public import ChannelEvents
public import MessageBus
public import MessageStore

/// Work with the bytes of files, for the thread that does it beside the loop.
public enum FileTask: Sendable {
    /// Get a file from a peer.
    case pull(FileOrder)
    /// Put these bytes on the shelf, as a file that came under this name would be.
    case keep(String, [UInt8], ending: String)
    /// The peer that has it is on another link now, or on none.
    case redirect(String, to: LinkID?)
    /// Nobody wants it any more.
    case abandon(String)
    /// Bytes that a peer sent.
    case take(Chunk, from: LinkID)
    /// Give a peer bytes of a file.
    case give(StoredFile, Fetch, to: LinkID)
    /// From now on these hold.
    case limits(FileLimits)
}

extension FileTask {
    /// The order that it begins.
    var orderID: String? {
        switch self {
        case .pull(let order): return order.id
        case .keep(let id, _, _): return id
        case .redirect, .abandon, .take, .give, .limits: return nil
        }
    }
}

/// A file to get.
public struct FileOrder: Sendable {
    /// What to ask for; its `id` names the order in all that is said about it.
    public var fetch: Fetch
    public var link: LinkID
    /// As ``StoredFile/ending``.
    public var ending: String
    /// It is read as a list of events and not kept.
    public var isRead = false

    public var id: String { fetch.id }
}

/// How an order ended.
public struct FileReport: Sendable {
    public var id: String
    public var outcome: Result<StoredFile, FetchFailure>
    /// Of an order that is read.
    public var events: [Event]

    public init(id: String, outcome: Result<StoredFile, FetchFailure>, events: [Event] = []) {
        self.id = id
        self.outcome = outcome
        self.events = events
    }
}

/// What the file thread wants said on the bus; the loop knows the link's epoch.
struct FileSpeech: Sendable {
    enum Word: Sendable {
        case fetch(Fetch)
        case chunk(Chunk)
    }

    var word: Word
    var link: LinkID
}

/// How much of files is taken. In bytes and milliseconds.
public struct FileLimits: Hashable, Sendable {
    /// A picture up to this is fetched when its message is accepted, so that Claude sees it with the message.
    public var image: Int64
    /// No longer file comes in or goes out.
    public var largest: Int64
    /// What all files together may take; past it the oldest go.
    public var total: Int64
    /// A message waits so long for its pictures, and goes without them then.
    public var imageWait: Int64

    public init(
        image: Int64 = 10 << 20, largest: Int64 = 50 << 20, total: Int64 = 1 << 30, imageWait: Int64 = 5_000
    ) {
        self.image = image
        self.largest = largest
        self.total = total
        self.imageWait = imageWait
    }
}
