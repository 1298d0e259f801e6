import MessageStore
import Testing

/// The audit's chain: what was changed behind the store's back shows.
struct AuditTests {
    private static let lines = 5

    private func store(_ folder: StoreFolder) throws -> MessageStore {
        let store = try MessageStore(path: folder.file)
        for number in 1...Self.lines {
            try store.turn { turn in
                try turn.append(
                    AuditEntry(kind: "refused", actor: "chat:\(number)", conversation: "chat:g", rule: "not-listed"),
                    now: Int64(number))
            }
        }
        return store
    }

    @Test func aWholeChainIsWhole() throws {
        let result = try store(StoreFolder()).read { try $0.verifyAudit() }
        #expect(result.count == Int64(Self.lines))
        #expect(result.firstBroken == nil)
    }

    @Test(arguments: [
        ("UPDATE audit SET actor = 'chat:9' WHERE id = 2", Int64(2)),
        ("UPDATE audit SET at = 7 WHERE id = 3", 3),
        // An absent member is not an empty one, and nothing moves from one member to the next.
        ("UPDATE audit SET detail = '' WHERE id = 3", 3),
        ("UPDATE audit SET rule = NULL, detail = 'not-listed' WHERE id = 4", 4),
        ("DELETE FROM audit WHERE id = 2", 3),
        ("DELETE FROM audit WHERE id = 1", 2),
        ("UPDATE audit SET hash = x'00' WHERE id = 1", 1),
        ("INSERT INTO audit (at, kind, actor, hash) VALUES (9, 'paired', 'operator', x'00')", 6),
    ])
    func aTamperedLineShows(change: String, line: Int64) throws {
        let folder = try StoreFolder()
        _ = try store(folder)
        try SQLiteShell.run(folder.file, change)
        #expect(try MessageStore(path: folder.file).read { try $0.verifyAudit() }.firstBroken == line)
    }
}
