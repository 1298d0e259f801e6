import BusProtocol
import Logging
import OperatingHome
import Synchronization

/// Gives the router the bytes of attachments: asks the author for each content once, keeps it open while it is read,
/// and hands out pieces of it.
final class AttachmentServer: Sendable {
    typealias Source = @Sendable (Fetch) async throws(FetchFailure) -> AttachmentContent

    /// Contents that are open at once; past it the one that was read least lately is closed.
    static let openLimit = 8
    /// Questions that wait for a content that is being opened; past it one is dropped, and asked again.
    static let waitingLimit = 32

    private struct Key: Hashable {
        var file: String
        var event: String?
        var chat: String?
        var thread: String?
        var messages: Int?

        init(_ fetch: Fetch) {
            file = fetch.file
            event = fetch.event
            chat = fetch.chat
            thread = fetch.thread
            messages = fetch.messages
        }
    }

    private enum Entry {
        case opening(waiting: [Fetch])
        case open(OpenContent)
    }

    private struct State {
        var source: Source?
        var entries: [Key: Entry] = [:]
        /// Open contents, the one that was read last at the end.
        var order: [Key] = []
    }

    private let port: any BusPort
    private let folder: String
    private let log: Logger
    private let state = Mutex(State())
    private let work = SerialWork(limit: 64)

    /// - Parameter folder: where contents that come as a stream are kept; made when it is needed.
    init(port: any BusPort, folder: String, log: Logger) {
        self.port = port
        self.folder = folder
        self.log = log
    }

    func begin(_ source: @escaping Source) { state.withLock { $0.source = source } }

    /// From now on nothing can be had.
    func end() {
        state.withLock { state in
            state.source = nil
            state.entries = [:]
            state.order = []
        }
    }

    /// On the bus thread.
    func asked(_ fetch: Fetch) { work.add { [self] in serve(fetch) } }

    private func serve(_ fetch: Fetch) {
        let key = Key(fetch)
        let found = state.withLock { state -> (OpenContent?, Source?) in
            switch state.entries[key] {
            case .open(let content):
                state.order.removeAll { $0 == key }
                state.order.append(key)
                return (content, nil)
            case .opening(let waiting):
                if waiting.count < Self.waitingLimit { state.entries[key] = .opening(waiting: waiting + [fetch]) }
                return (nil, nil)
            case nil:
                guard let source = state.source else { return (nil, nil) }
                state.entries[key] = .opening(waiting: [fetch])
                return (nil, source)
            }
        }
        switch found {
        case (let content?, _): give(content, fetch, key)
        case (nil, let source?): Task { await open(key, fetch, source) }
        case (nil, nil): break  // it waits for the one that opens, or for an adapter that runs: it is asked again
        }
    }

    private func open(_ key: Key, _ fetch: Fetch, _ source: Source) async {
        var failure: FetchFailure?
        var content: OpenContent?
        do throws(FetchFailure) {
            content = try await OpenContent(try await source(fetch), limit: fetch.limit, in: folder)
        } catch {
            failure = error
            log.notice("an attachment cannot be had", metadata: ["code": "\(error.code.rawValue)"])
        }
        let waiting = state.withLock { state -> [Fetch] in
            guard case .opening(let waiting) = state.entries[key] else { return [] }
            if let content {
                state.entries[key] = .open(content)
                state.order.append(key)
                if state.order.count > Self.openLimit { state.entries[state.order.removeFirst()] = nil }
            } else {
                state.entries[key] = nil
            }
            return waiting
        }
        for fetch in waiting {
            if let failure {
                port.send(Chunk(id: fetch.id, .failure(failure)))
            } else {
                asked(fetch)
            }
        }
    }

    private func give(_ content: OpenContent, _ fetch: Fetch, _ key: Key) {
        let piece = content.piece(for: fetch)
        port.send(Chunk(id: fetch.id, piece))
        guard case .bytes(let piece) = piece, piece.isLast else { return }
        // Whoever had the last piece is done; one that was lost on the way opens it again.
        state.withLock { state in
            state.entries[key] = nil
            state.order.removeAll { $0 == key }
        }
    }
}

/// One content that can be read at any place.
private final class OpenContent: Sendable {
    private enum Form {
        case bytes([UInt8])
        case file(SharedFile)
    }

    private let form: Form
    private let size: Int64
    private let version: String

    init(_ content: AttachmentContent, limit: Int64, in folder: String) async throws(FetchFailure) {
        switch content {
        case .bytes(let bytes):
            form = .bytes(bytes)
            size = Int64(bytes.count)
            version = RandomBytes.hexadecimal(count: 8)
        case .file(let path, let isTemporary):
            let file = try SharedFile(path, isTemporary: isTemporary)
            form = .file(file)
            size = file.size
            version = isTemporary ? RandomBytes.hexadecimal(count: 8) : file.version
        case .stream(let pieces):
            let file = try await SharedFile(spooling: pieces, limit: limit, in: folder)
            form = .file(file)
            size = file.size
            version = RandomBytes.hexadecimal(count: 8)
        }
        guard size <= limit else { throw FetchFailure(.oversize, "the file has \(size) bytes") }
    }

    func piece(for fetch: Fetch) -> Chunk.Content {
        let isSame = fetch.version == nil || fetch.version == version
        let offset = isSame ? min(fetch.offset, size) : 0
        let bytes: [UInt8]
        switch form {
        case .bytes(let all): bytes = Array(all[Int(offset)..<min(all.count, Int(offset) + fetch.count)])
        case .file(let file):
            do throws(FetchFailure) { bytes = try file.read(from: offset, count: fetch.count) } catch {
                return .failure(error)
            }
        }
        return .bytes(
            Chunk.Piece(
                offset: offset, size: size, version: version, isLast: offset + Int64(bytes.count) >= size, bytes: bytes)
        )
    }
}
