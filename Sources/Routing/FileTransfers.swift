import BusProtocol
import ChannelEvents
import MessageBus
import MessageStore

/// The files that come and go. Belongs to the file thread.
final class FileTransfers {
    /// Files that come at once; the others wait in the order they were asked for.
    static let concurrent = 4
    /// Orders that wait; past it one fails.
    static let waitingLimit = 256
    /// Asked again when nothing came for so long, and given up after so long, in milliseconds. An adapter may have to
    /// load the whole file before it can give its first byte.
    static let askAgain: Int64 = 10_000
    static let patience: Int64 = 60_000

    private final class Running {
        var order: FileOrder
        /// `nil` while its peer has no link.
        var link: LinkID?
        var pull: FilePull
        var draft: FileShelf.Draft?
        var askedAt: Int64
        var movedAt: Int64

        init(_ order: FileOrder, _ draft: consuming FileShelf.Draft, now: Int64) {
            self.order = order
            link = order.link
            pull = FilePull(order.fetch)
            self.draft = consume draft
            askedAt = now
            movedAt = now
        }
    }

    private let shelf: FileShelf
    private let store: MessageStore
    private let finish: (FileReport) -> Void
    private let say: (FileSpeech) -> Void
    private var running: [String: Running] = [:]
    private var waiting: [FileOrder] = []
    private var drafts: UInt64 = 0
    private var hasStored = false
    private var given = GivenFiles()

    init(
        shelf: FileShelf, store: MessageStore, finish: @escaping (FileReport) -> Void,
        say: @escaping (FileSpeech) -> Void
    ) {
        self.shelf = shelf
        self.store = store
        self.finish = finish
        self.say = say
    }

    func perform(_ task: FileTask, now: Int64) {
        switch task {
        case .pull(let order): pull(order, now)
        case .keep(let id, let bytes, let ending): keep(id, bytes, ending)
        case .redirect(let id, let link): redirect(id, link, now)
        case .abandon(let id):
            running[id] = nil
            waiting.removeAll { $0.id == id }
        case .take(let chunk, let link): take(chunk, from: link, now)
        case .give(let file, let fetch, let link):
            say(FileSpeech(word: .chunk(Chunk(id: fetch.id, given.content(fetch, of: file, on: shelf))), link: link))
        case .limits: break
        }
        begin(now)
    }

    /// Whether a file came to the shelf since the last call.
    func takeStoredSome() -> Bool {
        defer { hasStored = false }
        return hasStored
    }

    var deadline: Int64? {
        running.values.map { min($0.askedAt + Self.askAgain, $0.movedAt + Self.patience) }.min()
    }

    func tick(now: Int64) {
        for (id, item) in running {
            if now - item.movedAt >= Self.patience {
                end(id, .failure(FetchFailure(.unavailable, "nothing of it came for a minute")))
            } else if now - item.askedAt >= Self.askAgain {
                item.pull.rewind()
                item.askedAt = now
                ask(item)
            }
        }
        begin(now)
    }

    // MARK: What comes

    private func pull(_ order: FileOrder, _ now: Int64) {
        guard running[order.id] == nil, !waiting.contains(where: { $0.id == order.id }) else { return }
        guard waiting.count < Self.waitingLimit else {
            let failure = FetchFailure(.unavailable, "too many files are under way: try again in a moment")
            return finish(FileReport(id: order.id, outcome: .failure(failure)))
        }
        waiting.append(order)
    }

    private func keep(_ id: String, _ bytes: [UInt8], _ ending: String) {
        drafts += 1
        do {
            var draft = try shelf.draft(drafts)
            try draft.append(bytes)
            hasStored = true
            finish(FileReport(id: id, outcome: .success(try finished(draft, ending))))
        } catch {
            finish(FileReport(id: id, outcome: .failure(FetchFailure(.unavailable, "\(error)"))))
        }
    }

    /// What is known by its content keeps the name it has.
    private func finished(_ draft: consuming FileShelf.Draft, _ ending: String) throws -> StoredFile {
        try draft.finish { hash in
            // Without the store the file lies there under a second name at worst.
            do { return try store.read { try $0.file(hash) }?.ending ?? ending } catch { return ending }
        }
    }

    private func begin(_ now: Int64) {
        while running.count < Self.concurrent, !waiting.isEmpty {
            let order = waiting.removeFirst()
            drafts += 1
            do {
                let item = Running(order, try shelf.draft(drafts), now: now)
                running[order.id] = item
                ask(item)
            } catch {
                finish(FileReport(id: order.id, outcome: .failure(FetchFailure(.unavailable, "\(error)"))))
            }
        }
    }

    private func redirect(_ id: String, _ link: LinkID?, _ now: Int64) {
        if let index = waiting.firstIndex(where: { $0.id == id }), let link { waiting[index].link = link }
        guard let item = running[id] else { return }
        item.link = link
        item.pull.rewind()
        item.askedAt = now
        ask(item)
    }

    private func ask(_ item: Running) {
        guard let link = item.link else { return }
        while let fetch = item.pull.next() { say(FileSpeech(word: .fetch(fetch), link: link)) }
    }

    private func take(_ chunk: Chunk, from link: LinkID, _ now: Int64) {
        guard let item = running[chunk.id], item.link == link else { return }
        switch item.pull.take(chunk) {
        case .ignored: break
        case .failed(let failure): return end(chunk.id, .failure(failure))
        case .bytes(let bytes, let isRestart):
            do {
                if isRestart { try item.draft?.restart() }
                try item.draft?.append(bytes)
            } catch {
                return end(chunk.id, .failure(FetchFailure(.unavailable, "\(error)")))
            }
            item.movedAt = now
            item.askedAt = now
        }
        if item.pull.isComplete { complete(item) } else { ask(item) }
    }

    private func complete(_ item: Running) {
        guard let draft = item.draft.take() else { return }
        do {
            let file = try finished(draft, item.order.ending)
            guard item.order.isRead else {
                hasStored = true
                return end(item.order.id, .success(file))
            }
            let bytes = try ShelvedBytes(file, on: shelf)?.read(from: 0, count: Int(file.size)) ?? []
            shelf.remove(file)
            guard let events = HistoryReader.events(bytes) else {
                return end(item.order.id, .failure(FetchFailure(.unavailable, "what it gave cannot be read")))
            }
            end(item.order.id, .success(file), events)
        } catch {
            end(item.order.id, .failure(FetchFailure(.unavailable, "\(error)")))
        }
    }

    private func end(_ id: String, _ outcome: Result<StoredFile, FetchFailure>, _ events: [Event] = []) {
        running[id] = nil
        finish(FileReport(id: id, outcome: outcome, events: events))
    }
}

/// The files that peers read, kept open between two of their questions.
struct GivenFiles {
    /// Open at once; past it the one that was read least lately is closed.
    private static let limit = 8

    private final class Open {
        let hash: String
        let bytes: ShelvedBytes

        init(hash: String, bytes: ShelvedBytes) {
            self.hash = hash
            self.bytes = bytes
        }
    }

    /// The latest last.
    private var open: [Open] = []

    mutating func content(_ fetch: Fetch, of file: StoredFile, on shelf: FileShelf) -> Chunk.Content {
        guard file.size <= fetch.limit else {
            return .failure(FetchFailure(.oversize, "the file has \(file.size) bytes"))
        }
        do {
            let item: Open
            if let index = open.firstIndex(where: { $0.hash == file.hash }) {
                item = open.remove(at: index)
            } else {
                guard let bytes = try ShelvedBytes(file, on: shelf) else {
                    return .failure(FetchFailure(.gone, "the file is not kept any more"))
                }
                item = Open(hash: file.hash, bytes: bytes)
            }
            open.append(item)
            if open.count > Self.limit { open.removeFirst() }
            let offset = fetch.version == nil || fetch.version == file.hash ? min(fetch.offset, file.size) : 0
            let bytes = try item.bytes.read(from: offset, count: fetch.count)
            return .bytes(
                Chunk.Piece(
                    offset: offset, size: file.size, version: file.hash,
                    isLast: offset + Int64(bytes.count) >= file.size, bytes: bytes))
        } catch {
            return .failure(FetchFailure(.unavailable, "\(error)"))
        }
    }
}
