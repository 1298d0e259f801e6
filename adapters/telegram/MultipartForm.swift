import AdapterKit
import NIOCore
import Synchronization

#if canImport(Darwin)
    import Darwin
#else
    import Glibc
#endif

/// `multipart/form-data` whose files are read from disk while they are sent: a large file is never in memory as a whole.
struct MultipartForm: Sendable {
    private enum Piece: Sendable {
        case bytes([UInt8])
        case file(path: String, size: Int64)

        var size: Int64 {
            switch self {
            case .bytes(let bytes): return Int64(bytes.count)
            case .file(_, let size): return size
            }
        }
    }

    static let chunk = 64 << 10

    private let boundary = "switchboard-\(RandomBytes.hexadecimal(count: 16))"
    private var pieces: [Piece] = []

    var contentType: String { "multipart/form-data; boundary=\(boundary)" }
    var length: Int64 { pieces.reduce(ending.size) { $0 + $1.size } }
    private var ending: Piece { .bytes(Array("--\(boundary)--\r\n".utf8)) }

    init(_ parameters: JSONObject) {
        for member in parameters { add(member.key, member.value.stringValue ?? member.value.text) }
    }

    private mutating func add(_ name: String, _ value: String) {
        let head = "--\(boundary)\r\nContent-Disposition: form-data; name=\"\(name)\"\r\n\r\n"
        pieces.append(.bytes(Array((head + value + "\r\n").utf8)))
    }

    /// - Parameter fileName: fit for every platform already: without quotes, breaks and folders.
    mutating func add(_ name: String, path: String, size: Int64, fileName: String, mediaType: String?) {
        let plain = fileName.filter { $0 != "\"" && $0 != "\\" && !$0.isNewline }
        let type = mediaType.flatMap { $0.contains(where: \.isNewline) ? nil : $0 } ?? "application/octet-stream"
        let head =
            "--\(boundary)\r\nContent-Disposition: form-data; name=\"\(name)\"; filename=\"\(plain)\"\r\nContent-Type: \(type)\r\n\r\n"
        pieces.append(.bytes(Array(head.utf8)))
        pieces.append(.file(path: path, size: size))
        pieces.append(.bytes(Array("\r\n".utf8)))
    }

    /// The form's bytes, read as they are asked for.
    var stream: AsyncThrowingStream<ByteBuffer, any Error> {
        let reader = Reader(pieces + [ending])
        return AsyncThrowingStream(unfolding: { try reader.next() })
    }

    struct Changed: Error {}

    private final class Reader: Sendable {
        private struct State: ~Copyable {
            var pieces: [Piece]
            var file: OpenFile?
        }

        private let state: Mutex<State>

        init(_ pieces: [Piece]) { state = Mutex(State(pieces: pieces, file: nil)) }

        func next() throws -> ByteBuffer? {
            try state.withLock { state in
                while true {
                    if let bytes = try state.file?.next() { return ByteBuffer(bytes: bytes) }
                    state.file = nil
                    guard !state.pieces.isEmpty else { return nil }
                    switch state.pieces.removeFirst() {
                    case .bytes(let bytes): return ByteBuffer(bytes: bytes)
                    case .file(let path, let size): state.file = try OpenFile(path, size)
                    }
                }
            }
        }
    }

    /// A file of a known length.
    private struct OpenFile: ~Copyable {
        private let descriptor: Int32
        private var left: Int64

        init(_ path: String, _ size: Int64) throws {
            descriptor = open(path, O_RDONLY | O_CLOEXEC)
            left = size
            guard descriptor >= 0 else { throw Changed() }
        }

        deinit { close(descriptor) }

        mutating func next() throws -> [UInt8]? {
            guard left > 0 else { return nil }
            var buffer = [UInt8](repeating: 0, count: Int(min(Int64(MultipartForm.chunk), left)))
            while true {
                let count = buffer.withUnsafeMutableBytes { read(descriptor, $0.baseAddress, $0.count) }
                if count < 0, errno == EINTR { continue }
                // The form said how long it is: one that became shorter cannot be sent.
                guard count > 0 else { throw Changed() }
                left -= Int64(count)
                return Array(buffer[..<count])
            }
        }
    }
}
