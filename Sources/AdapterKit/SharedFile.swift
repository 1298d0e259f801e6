import BusProtocol
import OperatingHome
import Synchronization

#if canImport(Darwin)
    import Darwin
#else
    import Glibc
#endif

/// An open file that several tasks read.
final class SharedFile: Sendable {
    let size: Int64
    /// The same for the same file as long as it is not changed.
    let version: String
    private let file: Mutex<StoredBytes>
    private let path: String
    private let isTemporary: Bool

    init(_ path: String, isTemporary: Bool) throws(FetchFailure) {
        let opened: StoredBytes
        do throws(HomeError) {
            guard let bytes = try StoredBytes.open(path) else {
                throw HomeError(.file, "\(path) is not there any more", path: path)
            }
            opened = bytes
        } catch {
            throw FetchFailure(.gone, error.message)
        }
        size = opened.size
        version = opened.version
        file = Mutex(opened)
        self.path = path
        self.isTemporary = isTemporary
    }

    /// Keeps a stream in a private file until nobody reads it any more.
    convenience init(
        spooling pieces: any AsyncSequence<[UInt8], any Error> & Sendable, limit: Int64, in folder: String
    ) async throws(FetchFailure) {
        let path = "\(folder)/\(RandomBytes.hexadecimal(count: 8))"
        do {
            try PrivateFolder.make(folder)
            var draft = try PrivateDraft(path)
            for try await piece in pieces {
                guard draft.size + Int64(piece.count) <= limit else {
                    throw FetchFailure(.oversize, "the file has more than \(limit) bytes")
                }
                try draft.append(piece)
            }
            try draft.keep(as: path)
        } catch let failure as FetchFailure {
            throw failure
        } catch {
            throw FetchFailure(.unavailable, "the file could not be loaded whole: \(error)")
        }
        try self.init(path, isTemporary: true)
    }

    deinit {
        if isTemporary { unlink(path) }
    }

    func read(from offset: Int64, count: Int) throws(FetchFailure) -> [UInt8] {
        do throws(HomeError) {
            let bytes = try file.withLock { file throws(HomeError) in try file.bytes(from: offset, count: count) }
            guard !bytes.isEmpty || offset >= size else { throw HomeError(.file, "\(path) became shorter", path: path) }
            return bytes
        } catch {
            throw FetchFailure(.unavailable, error.message)
        }
    }
}
