import BusProtocol
import MessageBus
public import OperatingHome
import Synchronization

#if canImport(Darwin)
    import Darwin
#else
    import Glibc
#endif

/// A file of a command, here and whole. Deleted when nobody holds this any more.
public final class LoadedFile: Sendable {
    /// A private file of this adapter.
    public let path: String
    public let name: String
    public let mediaType: String?
    /// In bytes.
    public let size: Int64

    init(_ file: CommandFile, path: String) {
        self.path = path
        name = file.name
        mediaType = file.mediaType
        size = file.size
    }

    deinit { unlink(path) }

    /// All of it, for platforms that want it in one request.
    /// - Throws: ``HomeError`` when it cannot be read.
    public func bytes() throws(HomeError) -> [UInt8] {
        guard let file = try StoredBytes.open(path) else {
            throw HomeError(.file, "\(path) is not there any more", path: path)
        }
        return try file.bytes(from: 0, count: Int(size))
    }
}

/// Brings the files of commands here from the router, piece by piece.
final class FileLoader: Sendable {
    /// When nothing came for so long, what is missing is asked for again; after some such times it is given up.
    private static let patience = Duration.seconds(10)
    private static let attempts = 6

    private final class Load: Sendable {
        struct State: ~Copyable, Sendable {
            var pull: FilePull
            var draft: PrivateDraft?
            var isMoving = true
            var waiter: CheckedContinuation<Result<Void, FetchFailure>, Never>?
            /// It ended before anybody waited.
            var outcome: Result<Void, FetchFailure>?
        }

        let state: Mutex<State>
        let path: String

        init(_ pull: FilePull, _ draft: consuming PrivateDraft, path: String) {
            state = Mutex(State(pull: pull, draft: draft))
            self.path = path
        }

        func end(_ outcome: Result<Void, FetchFailure>) {
            let waiter = state.withLock { state in
                if state.outcome == nil { state.outcome = outcome }
                return state.waiter.take()
            }
            waiter?.resume(returning: outcome)
        }

        func wait() async -> Result<Void, FetchFailure> {
            await withTaskCancellationHandler {
                await withCheckedContinuation { continuation in
                    let outcome = state.withLock { state -> Result<Void, FetchFailure>? in
                        if let outcome = state.outcome { return outcome }
                        state.waiter = continuation
                        return nil
                    }
                    if let outcome { continuation.resume(returning: outcome) }
                }
            } onCancel: {
                end(.failure(FetchFailure(.unavailable, "the adapter stops")))
            }
        }
    }

    private let port: any BusPort
    private let folder: String
    private let loads = Mutex<[String: Load]>([:])
    private let work = SerialWork(limit: 256)

    init(port: any BusPort, folder: String) {
        self.port = port
        self.folder = folder
    }

    func load(_ file: CommandFile) async throws(FetchFailure) -> LoadedFile {
        let id = RandomBytes.hexadecimal(count: 8)
        let path = "\(folder)/\(id)"
        let load: Load
        do throws(HomeError) {
            try PrivateFolder.make(folder)
            let pull = FilePull(Fetch(id: id, file: file.id, limit: file.size))
            load = Load(pull, try PrivateDraft(path), path: path)
        } catch {
            throw FetchFailure(.unavailable, error.message)
        }
        loads.withLock { $0[id] = load }
        ask(load)
        let watcher = Task { await watch(load) }
        let outcome = await load.wait()
        watcher.cancel()
        loads.withLock { $0[id] = nil }
        try outcome.get()
        return LoadedFile(file, path: path)
    }

    /// A new link: everything is asked for again, from where it stands.
    func welcomed() {
        for load in loads.withLock({ Array($0.values) }) {
            load.state.withLock { $0.pull.rewind() }
            ask(load)
        }
    }

    /// On the bus thread.
    func came(_ chunk: Chunk) {
        guard let load = loads.withLock({ $0[chunk.id] }) else { return }
        work.add { [self] in take(chunk, load) }
    }

    private func ask(_ load: Load) {
        while let fetch = load.state.withLock({ $0.pull.next() }) { port.send(fetch) }
    }

    private func take(_ chunk: Chunk, _ load: Load) {
        let outcome = load.state.withLock { state -> Result<Void, FetchFailure>? in
            switch state.pull.take(chunk) {
            case .ignored: return nil
            case .failed(let failure): return .failure(failure)
            case .bytes(let bytes, let isRestart):
                state.isMoving = true
                do throws(HomeError) {
                    if isRestart { try state.draft?.restart() }
                    try state.draft?.append(bytes)
                    guard state.pull.isComplete, let draft = state.draft.take() else { return nil }
                    try draft.keep(as: load.path)
                    return .success(())
                } catch {
                    return .failure(FetchFailure(.unavailable, error.message))
                }
            }
        }
        if let outcome { load.end(outcome) } else { ask(load) }
    }

    private func watch(_ load: Load) async {
        var stillness = 0
        while stillness < Self.attempts {
            do { try await Task.sleep(for: Self.patience) } catch {
                return  // it ended
            }
            let isMoving = load.state.withLock { state in
                defer { state.isMoving = false }
                if !state.isMoving { state.pull.rewind() }
                return state.isMoving
            }
            stillness = isMoving ? 0 : stillness + 1
            if !isMoving { ask(load) }
        }
        load.end(.failure(FetchFailure(.unavailable, "the router did not give the file in time")))
    }
}

extension AdapterConnection {
    /// Brings a file of a command here.
    ///
    /// It suspends while the router is away, and goes on where it was. Call it while the command is carried out: the
    /// router gives a file only to the source that is to send it.
    /// - Throws: ``FetchFailure``; answer the command `rejected` for `gone`, `oversize` and `notAllowed`, else `retry`.
    public func load(_ file: CommandFile) async throws(FetchFailure) -> LoadedFile { try await loader.load(file) }
}
