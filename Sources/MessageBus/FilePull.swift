public import BusProtocol

/// One file on its way to who asked for it: which bytes to ask for next, and which came. Pure: no file, no clock.
///
/// The asker sets the pace: at most ``window`` pieces are asked for and not there, whatever the file's length. On a new
/// link, or when nothing came for a while, ``rewind()`` asks again from where it stands.
public struct FilePull: Sendable {
    /// Pieces under way.
    public static let window = 4

    public let request: Fetch
    /// Bytes from the first on, without a hole.
    public private(set) var received: Int64 = 0
    /// Of the whole file, once it is known.
    public private(set) var size: Int64?
    private var asked: Int64 = 0
    private var version: String?
    public private(set) var isComplete = false

    /// - Parameter request: what to ask for; its `limit` holds for what comes.
    public init(_ request: Fetch) {
        self.request = request
    }

    public enum Outcome: Hashable, Sendable {
        /// Nothing of it is wanted: it was asked for on an earlier link, or comes twice.
        case ignored
        /// The next bytes; `isRestart` when all before them are of another version and go.
        case bytes([UInt8], isRestart: Bool)
        case failed(FetchFailure)
    }

    /// The next question, as long as one may be asked; counts it as asked.
    public mutating func next() -> Fetch? {
        guard !isComplete else { return nil }
        let room: Int64
        if let size {
            // An empty file is one piece too.
            guard asked < max(size, 1) else { return nil }
            room = Int64(Self.window)
        } else {
            room = 1
        }
        guard asked - received < room * Int64(request.count) else { return nil }
        var fetch = request
        fetch.offset = asked
        fetch.version = version
        asked += Int64(request.count)
        return fetch
    }

    /// All that is not there is asked for again.
    public mutating func rewind() { asked = received }

    /// Takes what came under this transfer's id.
    public mutating func take(_ chunk: Chunk) -> Outcome {
        guard !isComplete else { return .ignored }
        switch chunk.content {
        case .failure(let failure): return .failed(failure)
        case .bytes(let piece): return take(piece)
        }
    }

    private mutating func take(_ piece: Chunk.Piece) -> Outcome {
        let isRestart = version.map { $0 != piece.version } ?? false
        if isRestart {
            guard piece.offset == 0 else { return .ignored }
            received = 0
            size = nil
        }
        guard piece.offset == received else {
            // A piece before it was dropped on its way.
            if piece.offset > received { rewind() }
            return .ignored
        }
        version = piece.version
        if let length = piece.size { size = length }
        let end = received + Int64(piece.bytes.count)
        guard max(end, size ?? 0) <= request.limit else {
            return .failed(FetchFailure(.oversize, "the file has more than \(request.limit) bytes"))
        }
        guard !piece.bytes.isEmpty || piece.isLast else { return .ignored }
        received = end
        if isRestart || piece.bytes.count < request.count { asked = received }
        if piece.isLast || size == received {
            guard size == nil || size == received else {
                return .failed(FetchFailure(.unavailable, "the file ended before its end"))
            }
            isComplete = true
        }
        return .bytes(piece.bytes, isRestart: isRestart)
    }
}
