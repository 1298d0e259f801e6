import AdapterKit

#if canImport(Darwin)
    import Darwin
#else
    import Glibc
#endif

/// An adapter for tests that kill it: it reads numbered messages on from its cursor and sends what it is told to.
///
/// Its platform takes a moment before and after each send, as platforms do, and is sometimes too busy.
@main struct Rehearsal: Adapter {
    static let description = AdapterDescription(
        kind: "rehearsal", summary: "numbered messages out of a file, for tests", version: "0.1.0",
        abilities: Abilities(verbs: ["send"], textLimit: 64))

    private let connection: AdapterConnection
    private let platform: RehearsalPlatform

    init(_ connection: AdapterConnection) throws {
        self.connection = connection
        platform = try RehearsalPlatform(folder: connection.places.state + "/rehearsal")
    }

    func run() async throws {
        var read = connection.cursor?.integerValue ?? 0
        note("begin \(read) \(getpid())")
        while !Task.isCancelled {
            let newest = platform.newest()
            guard newest > read else {
                try await Task.sleep(for: .milliseconds(2))
                continue
            }
            // Mostly a few, now and then all there is: a batch that has to be cut.
            let most = Int64.random(in: 0..<16) == 0 ? Int64.max : Int64.random(in: 1...8)
            let through = newest - read > most ? read + most : newest
            _ = try await connection.publish((read + 1...through).map(platform.message), cursor: .integer(through))
            read = through
            note("committed \(read)")
        }
    }

    private func note(_ line: String) {
        if !platform.note(line) { connection.log.error("the journal takes no more") }
    }

    func execute(_ command: PlatformCommand) async -> SendOutcome {
        guard let text = command.arguments["text"]?.stringValue else { return .rejected(reason: "there is no text") }
        let isBusy = UInt8.random(in: 0..<32) == 0
        if isBusy { return .retry(after: 100, reason: "the platform is busy") }
        do {
            try await Task.sleep(for: .microseconds(Int64.random(in: 0...3_000)))
            guard let id = platform.send(text, key: command.key) else { return .unknown(reason: "the disk failed") }
            try await Task.sleep(for: .microseconds(Int64.random(in: 0...3_000)))
            return .sent(ids: [id])
        } catch {
            return .unknown(reason: "the adapter stops")
        }
    }
}
