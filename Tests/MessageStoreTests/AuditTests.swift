import ChannelEvents
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

    private static let head = EventHead(id: "1", chat: "c", sender: "42", time: 0)

    /// Three decisions under two seals.
    private func decided(_ folder: StoreFolder) throws -> MessageStore {
        let store = try MessageStore(path: folder.file)
        for (id, rule) in [("1", "listed"), ("2", "unpaired"), ("3", "listed")] {
            var head = Self.head
            head.id = id
            try store.turn { turn in
                _ = try turn.admit(
                    NewEvent(source: 1, head: head, body: rule == "listed" ? [0x7B, 0x7D] : nil, rule: rule), now: 7)
            }
            if id == "1" { continue }
            let seal = try #require(try store.read { try $0.seal(after: try $0.lastSealed(), limit: 100) })
            try store.turn { try $0.append(seal, now: 8) }
        }
        return store
    }

    @Test func decisionsAreSealedOnce() throws {
        let store = try decided(StoreFolder())
        #expect(try store.read { try $0.lastSealed() } == 3)
        #expect(try store.read { try $0.seal(after: 3, limit: 100) } == nil)
        #expect(try store.read { try $0.verifyDecisions() } == SealedDecisions(whole: 3))
        #expect(try store.read { try $0.verifyAudit() }.firstBroken == nil)
    }

    @Test(arguments: [
        ("UPDATE events SET rule = 'listed' WHERE id = '2'", SealedDecisions(whole: 1, firstBroken: 1...2)),
        ("UPDATE events SET sender = '43' WHERE id = '3'", SealedDecisions(whole: 2, firstBroken: 3...3)),
        ("UPDATE events SET admitted = 6 WHERE id = '1'", SealedDecisions(whole: 1, firstBroken: 1...2)),
        ("UPDATE events SET thread = '' WHERE id = '1'", SealedDecisions(whole: 1, firstBroken: 1...2)),
        // What retention does is no alarm.
        ("UPDATE events SET body = NULL", SealedDecisions(whole: 3)),
        ("DELETE FROM events WHERE id = '1'", SealedDecisions(whole: 1, missing: 1)),
    ])
    func aTamperedDecisionShows(change: String, expected: SealedDecisions) throws {
        let folder = try StoreFolder()
        _ = try decided(folder)
        try SQLiteShell.run(folder.file, change)
        #expect(try MessageStore(path: folder.file).read { try $0.verifyDecisions() } == expected)
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
