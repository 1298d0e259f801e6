import BusProtocol
import ChannelEvents
import ChannelSession
import Dispatch
import OperatingHome
import Synchronization

/// The files that Claude sends from this machine, as the user of this process may read them.
final class EndpointFiles: SessionFiles {
    /// Calls whose files are open at once; past it the oldest call's are closed.
    private static let callLimit = 32
    /// What the router takes is its own to say; no file may be longer than this in any case, in bytes.
    private static let longest: Int64 = 4 << 30

    private final class Opened: Sendable {
        let file: OutgoingFile
        init(_ file: consuming OutgoingFile) { self.file = file }
    }

    private struct State {
        var calls: [(id: String, tokens: [String])] = []
        var files: [String: Opened] = [:]
        var lastToken: UInt64 = 0
    }

    private let places: @Sendable () throws -> Places
    private let state = Mutex(State())
    private let queue = DispatchQueue(label: "files")

    init(places: @escaping @Sendable () throws -> Places) { self.places = places }

    func open(_ paths: [String], for call: String) throws(FileRefusal) -> [OpenedFile] {
        var opened: [(String, Opened)] = []
        for path in paths {
            do {
                opened.append(
                    (path, Opened(try OutgoingFile(path, places: try places(), limit: Self.longest))))
            } catch {
                throw FileRefusal("Nothing was sent: \(error).")
            }
        }
        return state.withLock { state in
            let files = opened.map { path, item in
                state.lastToken += 1
                let token = String(state.lastToken)
                state.files[token] = item
                let name = String(path.split(separator: "/").last ?? "")
                return OpenedFile(token: token, name: name, mediaType: MediaType.of(name), size: item.file.size)
            }
            state.calls.append((call, files.map(\.token)))
            if state.calls.count > Self.callLimit {
                for token in state.calls.removeFirst().tokens { state.files[token] = nil }
            }
            return files
        }
    }

    func close(_ call: String) {
        state.withLock { state in
            for item in state.calls where item.id == call {
                for token in item.tokens { state.files[token] = nil }
            }
            state.calls.removeAll { $0.id == call }
        }
    }

    func give(_ fetch: Fetch, _ say: @escaping @Sendable (Chunk) -> Void) {
        queue.async { [self] in say(Chunk(id: fetch.id, content(fetch))) }
    }

    private func content(_ fetch: Fetch) -> Chunk.Content {
        guard let opened = state.withLock({ $0.files[fetch.file] }) else {
            return .failure(FetchFailure(.gone, "the session does not send it any more"))
        }
        let size = opened.file.size
        guard size <= fetch.limit else { return .failure(FetchFailure(.oversize, "it has \(size) bytes")) }
        do throws(HomeError) {
            let offset = min(fetch.offset, size)
            let bytes = try opened.file.bytes(from: offset, count: fetch.count)
            return .bytes(
                Chunk.Piece(
                    offset: offset, size: size, version: fetch.file, isLast: offset + Int64(bytes.count) >= size,
                    bytes: bytes))
        } catch {
            return .failure(FetchFailure(.unavailable, error.message))
        }
    }
}
