import ChannelEvents
import GRDB
import Testing

@testable import MessageStore

#if canImport(Darwin)
    import Darwin
#else
    import Glibc
#endif

/// A folder of its own for one store.
final class StoreFolder {
    let path: String
    var file: String { path + "/store.sqlite3" }

    init() throws {
        var template = Array("/tmp/switchboard-store-XXXXXX".utf8CString)
        try #require(mkdtemp(&template) != nil)
        path = String(decoding: template.dropLast().map(UInt8.init(bitPattern:)), as: UTF8.self)
    }

    deinit {
        guard let folder = opendir(path) else { return }
        while let entry = readdir(folder) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) {
                $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
            }
            unlink("\(path)/\(name)")
        }
        closedir(folder)
        rmdir(path)
    }

    var files: [String] {
        guard let folder = opendir(path) else { return [] }
        defer { closedir(folder) }
        var names: [String] = []
        while let entry = readdir(folder) {
            names.append(
                withUnsafePointer(to: &entry.pointee.d_name) {
                    $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
                })
        }
        return names.filter { !$0.hasPrefix(".") }.sorted()
    }
}

func event(_ id: String, source: SourceID = 1, body: String? = "text", time: Int64 = 0) -> NewEvent {
    NewEvent(
        source: source,
        head: EventHead(
            id: id, chat: "c", thread: "t", sender: "s", flags: [.direct, .late], group: "g",
            fingerprint: "f", state: .resolved, replyTo: "r", time: time),
        body: body.map { EventBody(text: $0).json }, rule: "listed")
}

struct MessageStoreTests {
    /// GRDB sets `NORMAL` when it opens a pool: commits were acknowledged that a loss of power could have undone.
    @Test func aCommitReachesTheDisk() throws {
        let folder = try StoreFolder()
        let store = try MessageStore(path: folder.file)
        try store.turn { turn in
            try #expect(Int.fetchOne(turn.db, sql: "PRAGMA synchronous") == 2)
            try #expect(String.fetchOne(turn.db, sql: "PRAGMA journal_mode") == "wal")
        }
    }

    @Test func theConstraintIsTheDeduplication() throws {
        let folder = try StoreFolder()
        let store = try MessageStore(path: folder.file)
        try store.turn { turn in
            try #expect(turn.admit(event("1"), now: 1) == 1)
            try #expect(turn.admit(event("1"), now: 2) == nil)
            try #expect(turn.admit(event("1", source: 2), now: 3) == 2)
        }
        let again = try MessageStore(path: folder.file)
        try again.turn { turn in try #expect(turn.admit(event("1"), now: 4) == nil) }
    }

    @Test func aTurnIsAllOrNothing() throws {
        struct Stop: Error {}
        let folder = try StoreFolder()
        let store = try MessageStore(path: folder.file)
        #expect(throws: StoreError.self) {
            try store.turn { turn in
                _ = try turn.admit(event("1"), now: 1)
                throw Stop()
            }
        }
        #expect(try store.read { try $0.history(place: nil, before: nil, limit: 10).isEmpty })
    }

    @Test func aHeadComesBackAsItWas() throws {
        let folder = try StoreFolder()
        let store = try MessageStore(path: folder.file)
        let source = try #require(SourceName("chat"))
        try store.turn { turn in
            try turn.insertSource(1, name: source)
            _ = try turn.admit(event("1", body: "hej \u{1F600}"), now: 1)
            try turn.insertDelivery(session: 0, event: 1, state: .waiting, offers: 0, now: 1)
        }
        let delivery = try #require(try store.turn { try $0.waiting(session: 0, after: 0, limit: 10) }.first)
        #expect(delivery.head == event("1").head)
        #expect(try EventBody(json: delivery.body).text == "hej \u{1F600}")
    }

    @Test func aNewerSchemaIsRefusedUntouched() throws {
        let folder = try StoreFolder()
        do {
            let store = try MessageStore(path: folder.file)
            try store.turn { try $0.setFact("x", 1) }
        }
        try SQLiteShell.run(folder.file, "INSERT INTO grdb_migrations VALUES ('99-tomorrow')")
        do {
            _ = try MessageStore(path: folder.file)
            Issue.record("a newer schema was opened")
        } catch {
            #expect(error.code == .newer)
        }
    }

    @Test func theStoreIsCopiedBeforeAMigrationAndTheCopyIsTheWayBack() throws {
        let folder = try StoreFolder()
        do {
            let store = try MessageStore(path: folder.file)
            try store.turn { turn in _ = try turn.admit(event("1"), now: 1) }
        }
        #expect(!folder.files.contains { $0.contains("before-migration") }, "the first schema has nothing to copy")
        var later = Schema.migrator
        let newest = try #require(later.migrations.last)
        later.registerMigration("99-later") { db in try db.execute(sql: "DROP TABLE dead_letters") }
        let migrated = try MessageStore(path: folder.file, migrator: later)
        try migrated.turn { turn in try #expect(turn.admit(event("1"), now: 2) == nil) }

        let copy = try #require(folder.files.first { $0.hasSuffix("before-migration-after-\(newest)") })
        // This version refuses what the later one made, and opens the copy.
        #expect(throws: StoreError.self) { try MessageStore(path: folder.file) }
        let old = try MessageStore(path: "\(folder.path)/\(copy)")
        try old.turn { turn in try #expect(turn.admit(event("1"), now: 3) == nil) }
    }

    @Test func aDamagedFileIsNamedAndLeftAlone() throws {
        let folder = try StoreFolder()
        let rubbish = String(repeating: "this is not a database ", count: 400)
        let file = open(folder.file, O_WRONLY | O_CREAT, 0o600)
        _ = write(file, rubbish, rubbish.utf8.count)
        close(file)
        do {
            _ = try MessageStore(path: folder.file)
            Issue.record("rubbish was opened")
        } catch {
            #expect(error.code == .corrupt)
            #expect(error.message.contains(folder.file))
        }
        #expect(folder.files == ["store.sqlite3"])
    }

    @Test func theTextOfARefusedSenderIsNowhereInTheFile() throws {
        let folder = try StoreFolder()
        let store = try MessageStore(path: folder.file)
        try store.turn { turn in _ = try turn.admit(event("1", body: nil), now: 1) }
        let entry = try store.turn { try $0.deliveries(session: 0, events: [1]) }
        #expect(entry.isEmpty)
    }

    @Test func anOutboxPartIsFoundByKeyAndByItsWords() throws {
        let folder = try StoreFolder()
        let store = try MessageStore(path: folder.file)
        let part = OutboxPart(
            id: 1, key: "k", session: 1, source: 1, chat: "c", thread: nil, replyTo: nil, verb: "send",
            arguments: Array("{}".utf8), digest: 5, created: 1_000, asked: Array("{}".utf8))
        try store.turn { turn in
            try turn.insertPart(part)
            try #expect(turn.part(key: "k")?.id == 1)
            var other = part
            other.key = "other"
            try #expect(turn.part(like: other, since: 1_000)?.key == "k")
            try #expect(turn.part(like: other, since: 1_001) == nil)
            other.chat = "d"
            try #expect(turn.part(like: other, since: 0) == nil)
        }
    }
}

struct RetentionTests {
    private let periods = RetentionPeriods(text: 100, identity: 1_000)

    /// Ten events, the even ones delivered and written, the odd ones still waiting.
    private func filled() throws -> (StoreFolder, MessageStore) {
        let folder = try StoreFolder()
        let store = try MessageStore(path: folder.file)
        try store.turn { turn in
            try turn.insertSource(1, name: SourceName("chat")!)
            try turn.setSession(SessionRecord(id: 1, label: "api", project: "", incarnation: 1), now: 0)
            for number in 1...10 {
                let sequence = try #require(try turn.admit(event("\(number)"), now: 0))
                try turn.insertDelivery(
                    session: 1, event: sequence, state: number % 2 == 0 ? .written : .waiting, offers: 1, now: 0)
            }
        }
        return (folder, store)
    }

    private func retain(_ store: MessageStore, now: Int64, rows: Int = 3) throws {
        var place: EventSequence? = 0
        while let start = place { place = try store.turn { try $0.retain(periods, from: start, rows: rows, now: now) } }
    }

    @Test func whatIsUndeliveredKeepsItsText() throws {
        let (folder, store) = try filled()
        try retain(store, now: 500)
        let entries = try store.read { try $0.history(place: nil, before: nil, limit: 100) }
        #expect(entries.count == 10)
        for entry in entries { #expect((entry.body != nil) == (entry.sequence % 2 == 1)) }
        try retain(store, now: 100_000)
        #expect(try store.turn { try $0.waiting(session: 1, after: 0, limit: 100) }.count == 5)
        _ = folder
    }

    @Test func anIdentityOutlivesItsText() throws {
        let (folder, store) = try filled()
        try retain(store, now: 500)
        try store.turn { turn in try #expect(turn.admit(event("2"), now: 600) == nil) }
        try retain(store, now: 100_000)
        try store.turn { turn in try #expect(turn.admit(event("2"), now: 100_001) != nil) }
        _ = folder
    }

    @Test func theNumberOfTheNewestEventIsNeverGivenAgain() throws {
        let folder = try StoreFolder()
        let store = try MessageStore(path: folder.file)
        try store.turn { turn in for number in 1...3 { _ = try turn.admit(event("\(number)"), now: 0) } }
        try retain(store, now: 100_000)
        try store.turn { turn in try #expect(turn.admit(event("new"), now: 0) == 4) }
    }

    @Test func whatWasSentGoesWithItsTextAndWhatIsOpenStays() throws {
        let folder = try StoreFolder()
        let store = try MessageStore(path: folder.file)
        try store.turn { turn in
            for id in Int64(1)...5 {
                try turn.insertPart(
                    OutboxPart(
                        id: id, key: "k\(id)", session: 1, source: 1, chat: "ann", thread: nil, replyTo: nil,
                        verb: "send",
                        arguments: Array("{}".utf8), digest: 1, state: id == 2 ? .queued : .sent, created: 0))
            }
        }
        func kept() throws -> [String] {
            try store.turn { turn in try (1...5).map { "k\($0)" }.filter { try turn.part(key: $0) != nil } }
        }
        try retain(store, now: 50)
        #expect(try kept().count == 5)
        try retain(store, now: 500)
        #expect(try kept() == ["k2", "k4", "k5"], "a slice looks at the three oldest")
        try retain(store, now: 500)
        #expect(try kept() == ["k2", "k5"], "the newest number is never given again")
    }

    @Test func youngEventsAreLeftAlone() throws {
        let (folder, store) = try filled()
        try retain(store, now: 50)
        #expect(try store.read { try $0.history(place: nil, before: nil, limit: 100) }.allSatisfy { $0.body != nil })
        _ = folder
    }
}
