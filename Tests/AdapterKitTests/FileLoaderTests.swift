import MessageBus
import SwitchboardTesting
import Testing

@testable import AdapterKit

/// Files of commands on their way to the adapter.
@Suite(.timeLimit(.minutes(1))) struct FileLoaderTests {
    private let bus = ScriptedBus()
    private let folder: TemporaryFolder
    private let loader: FileLoader

    init() throws {
        folder = try TemporaryFolder()
        loader = FileLoader(port: bus, folder: folder.path + "/files")
    }

    private static let bytes = (0..<900_001).map { UInt8(truncatingIfNeeded: $0 &* 13) }
    private static let file = CommandFile(id: "h", name: "a.bin", size: Int64(bytes.count))

    /// Answers what was asked so far as the router would.
    private func answer(_ fetches: ArraySlice<Fetch>, version: String = "h") {
        for fetch in fetches {
            let start = min(Int(fetch.offset), Self.bytes.count)
            let end = min(start + fetch.count, Self.bytes.count)
            loader.came(
                Chunk(
                    id: fetch.id,
                    .bytes(
                        Chunk.Piece(
                            offset: fetch.offset, size: Int64(Self.bytes.count), version: version,
                            isLast: end == Self.bytes.count, bytes: Array(Self.bytes[start..<end])))))
        }
    }

    private func loadWhole() async throws {
        let loading = Task { try await loader.load(Self.file) }
        var answered = 0
        while answered < 4 {
            while bus.fetches.count == answered { await Task.yield() }
            let fetches = bus.fetches
            answer(fetches[answered...])
            answered = fetches.count
        }
        #expect(try await loading.value.bytes() == Self.bytes)
    }

    @Test func aFileComesWholeAndGoesWithItsHolder() async throws {
        try await loadWhole()
        // The task that loaded it may hold it for a moment.
        while try !FolderListing.names(folder.path + "/files").isEmpty { await Task.yield() }
    }

    /// The router was restarted when half was here.
    @Test func aNewLinkGoesOnWhereItBroke() async throws {
        let loading = Task { try await loader.load(Self.file) }
        while bus.fetches.isEmpty { await Task.yield() }
        answer(bus.fetches[0..<1])
        // The window opens with the first piece; its answers are lost.
        while bus.fetches.count < 4 { await Task.yield() }
        let before = bus.fetches.count
        loader.welcomed()
        while bus.fetches.count == before { await Task.yield() }
        #expect(bus.fetches[before].offset == 262_144)
        answer(bus.fetches[before...])
        #expect(try await loading.value.bytes() == Self.bytes)
    }

    @Test func aRefusalIsSaid() async throws {
        let loading = Task { try await loader.load(Self.file) }
        while bus.fetches.isEmpty { await Task.yield() }
        loader.came(Chunk(id: bus.fetches[0].id, .failure(FetchFailure(.notAllowed, "not for you"))))
        await #expect(throws: FetchFailure(.notAllowed, "not for you")) { try await loading.value }
        let left = try FolderListing.names(folder.path + "/files")
        #expect(left.isEmpty)
    }

    @Test func anAdapterThatStopsWaitsForNothing() async throws {
        let loading = Task { try await loader.load(Self.file) }
        while bus.fetches.isEmpty { await Task.yield() }
        loading.cancel()
        await #expect(throws: FetchFailure.self) { try await loading.value }
    }
}
