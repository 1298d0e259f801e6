import BusProtocol

/// Calls and queries that have no answer yet, in the order they were asked. Pure.
struct OpenCalls: Sendable {
    enum Kind: Sendable {
        case call, query
    }

    private struct Entry {
        let kind: Kind
        let call: Call
        var isAsked = false
    }

    private var entries: [Entry] = []

    var count: Int { entries.count }

    /// An id that is open already is the same call: it is not asked twice.
    mutating func append(_ call: Call, _ kind: Kind) {
        guard !entries.contains(where: { $0.call.id == call.id }) else { return }
        entries.append(Entry(kind: kind, call: call))
    }

    func contains(_ id: String) -> Bool { entries.contains { $0.call.id == id } }

    /// The next one that was not asked on this link; counts it as asked.
    mutating func next(epoch: UInt64) -> PeerMessage? {
        guard let index = entries.firstIndex(where: { !$0.isAsked }) else { return nil }
        entries[index].isAsked = true
        let entry = entries[index]
        switch entry.kind {
        case .call: return .call(epoch: epoch, entry.call)
        case .query: return .query(epoch: epoch, entry.call)
        }
    }

    /// A new link: all are asked again.
    mutating func rewind() {
        for index in entries.indices { entries[index].isAsked = false }
    }

    /// Whether the answer is to an open call; closes it.
    mutating func close(_ id: String) -> Bool {
        guard let index = entries.firstIndex(where: { $0.call.id == id }) else { return false }
        entries.remove(at: index)
        return true
    }
}
