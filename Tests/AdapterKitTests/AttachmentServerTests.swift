import MessageBus
import SwitchboardTesting
import Synchronization
import Testing

@testable import AdapterKit

/// What the kit gives the router of an attachment, and how often it bothers the author.
@Suite(.timeLimit(.minutes(1))) struct AttachmentServerTests {
    private let bus = ScriptedBus()
    private let folder: TemporaryFolder
    private let server: AttachmentServer
    private let asked = Watched<[Fetch]>([])

    init() throws {
        folder = try TemporaryFolder()
        server = AttachmentServer(port: bus, folder: folder.path + "/files", log: Logger(label: "test"))
    }

    private func begin(_ content: @escaping @Sendable () throws(FetchFailure) -> AttachmentContent) {
        server.begin { [asked] request async throws(FetchFailure) in
            asked.change { $0.append(request) }
            return try content()
        }
    }

    private static func fetch(_ offset: Int64 = 0, version: String? = nil, limit: Int64 = 1 << 30) -> Fetch {
        Fetch(id: "t", file: "f", event: "e", chat: "c", offset: offset, version: version, limit: limit)
    }

    /// Pulls a whole file as the router does.
    private func pull(limit: Int64 = 1 << 30) async throws -> Result<[UInt8], FetchFailure> {
        var pull = FilePull(Self.fetch(limit: limit))
        var bytes: [UInt8] = []
        var taken = bus.chunks.count
        while !pull.isComplete {
            while let fetch = pull.next() { server.asked(fetch) }
            while bus.chunks.count == taken { await Task.yield() }
            switch pull.take(bus.chunks[taken]) {
            case .bytes(let piece, let isRestart): bytes = (isRestart ? [] : bytes) + piece
            case .failed(let failure): return .failure(failure)
            case .ignored: break
            }
            taken += 1
        }
        return .success(bytes)
    }

    private static let long = (0..<1_000_003).map { UInt8(truncatingIfNeeded: $0 &* 7) }

    @Test func aStreamComesWholeAndIsAskedForOnce() async throws {
        begin {
            .stream(
                AsyncThrowingStream<[UInt8], any Error> { continuation in
                    for start in stride(from: 0, to: Self.long.count, by: 70_001) {
                        continuation.yield(Array(Self.long[start..<min(start + 70_001, Self.long.count)]))
                    }
                    continuation.finish()
                })
        }
        #expect(try await pull() == .success(Self.long))
        #expect(asked.value.count == 1)
        #expect(asked.value.first?.event == "e")
        // Nothing of it is left once the last piece is given.
        while try !FolderListing.names(folder.path + "/files").isEmpty { await Task.yield() }
    }

    @Test func bytesAndEmptyBytesCome() async throws {
        begin { .bytes([1, 2, 3]) }
        #expect(try await pull() == .success([1, 2, 3]))
        begin { .bytes([]) }
        #expect(try await pull() == .success([]))
    }

    @Test func aFileOverTheLimitIsRefusedAlsoAsAStream() async throws {
        begin { .bytes(Self.long) }
        #expect(try await pull(limit: 1_000) == .failure(FetchFailure(.oversize, "the file has 1000003 bytes")))
        begin {
            .stream(
                AsyncThrowingStream<[UInt8], any Error> { continuation in
                    continuation.yield(Self.long)
                    continuation.finish()
                })
        }
        guard case .failure(let failure) = try await pull(limit: 1_000) else { return #expect(Bool(false)) }
        #expect(failure.code == .oversize)
        let left = try FolderListing.names(folder.path + "/files")
        #expect(left.isEmpty)
    }

    @Test func aFailureIsSaidAndNotKept() async throws {
        begin { () throws(FetchFailure) in throw FetchFailure(.gone, "the link has expired") }
        #expect(try await pull() == .failure(FetchFailure(.gone, "the link has expired")))
        begin { .bytes([7]) }
        #expect(try await pull() == .success([7]))
    }

    /// The asker has the beginning of another content: it is given this one from its beginning.
    @Test func anotherVersionBeginsAnew() async throws {
        begin { .bytes(Self.long) }
        server.asked(Self.fetch(262_144, version: "of a process that died"))
        while bus.chunks.isEmpty { await Task.yield() }
        guard case .bytes(let piece) = bus.chunks[0].content else { return #expect(Bool(false)) }
        #expect(piece.offset == 0)
        #expect(piece.bytes.count == BusLimits.chunkBytes)
        #expect(piece.size == Int64(Self.long.count))
    }

    @Test func afileThatIsNoFileIsGone() async throws {
        begin { .file(path: "/nonexistent/x") }
        guard case .failure(let failure) = try await pull() else { return #expect(Bool(false)) }
        #expect(failure.code == .gone)
        let path = folder.path
        begin { .file(path: path) }
        guard case .failure = try await pull() else { return #expect(Bool(false)) }
    }
}
