import BusProtocol
import ChannelEvents
import MessageStore

/// What goes to a session as one message: nearly always one event, sometimes several that belong together.
struct DeliveryUnit {
    enum Kind: Hashable {
        case single
        /// Parts that their adapter gave one `group`.
        case album
        /// A text that the platform cut in pieces.
        case paste
        /// The same alert again and again; the newest is shown.
        case repeated
        /// Many that waited.
        case digest
    }

    /// The first one names the delivery; the others are carried by it.
    private(set) var items: [TakenDelivery]
    private(set) var kind = Kind.single

    var lead: WaitingDelivery { items[0].delivery }
    var place: Place { lead.place }
    /// How often something of it was offered before.
    var offers: Int64 { items.lazy.map(\.delivery.offers).max() ?? 0 }

    /// One digest holds at most so many messages, and about so many bytes of them.
    static let digestLimit = 50
    static let digestBytes = 128 << 10
    /// So many messages of one conversation are many.
    static let digestFrom = 10

    /// How a conversation's messages are put together.
    struct Rules {
        /// The session can be told of many at once: it takes what waited as one turn anyway.
        var digestsMany = false
        /// It may have seen what comes again: that comes as one.
        var digestsRedelivered = false
        /// Conversations that were held because they had woken the session too often.
        var overflowed: Set<Place> = []
        /// The longest text of one message, by source, in UTF-16 units.
        var textLimits: [SourceID: Int64] = [:]
    }

    /// Puts together what belongs together; the order of a conversation stays.
    static func assemble(_ batch: [TakenDelivery], _ rules: Rules) -> [DeliveryUnit] {
        guard batch.count > 1, rules.digestsMany || !rules.overflowed.isEmpty || batch.contains(where: \.mayBelong)
        else { return batch.map { DeliveryUnit(items: [$0]) } }
        var units: [DeliveryUnit] = []
        units.reserveCapacity(batch.count)
        var last: [Place: Int] = [:]
        var alerts: [AlertKey: Int] = [:]
        for item in batch {
            let delivery = item.delivery
            let place = delivery.place
            if let index = last[place], units[index].continues(with: delivery, rules) {
                units[index].kind = delivery.head.group == nil ? .paste : .album
                units[index].items.append(item)
                continue
            }
            let alert = AlertKey(delivery.head, place)
            if let alert, let index = alerts[alert] {
                units[index].kind = .repeated
                // The newest says how it stands now.
                units[index].items.insert(item, at: 0)
                continue
            }
            last[place] = units.count
            if let alert { alerts[alert] = units.count }
            units.append(DeliveryUnit(items: [item]))
        }
        return digest(units, rules)
    }

    private func continues(with next: WaitingDelivery, _ rules: Rules) -> Bool {
        guard let previous = items.last?.delivery.head, kind != .repeated, next.head.sender == previous.sender else {
            return false
        }
        if let group = next.head.group { return group == previous.group }
        guard previous.group == nil, let limit = rules.textLimits[next.source], let text = items.last?.delivery.body
        else { return false }
        return next.head.isPersons && previous.isPersons && Paste.isCut(text, limit: limit)
            && next.head.time - previous.time <= Paste.gap
    }

    private static func digest(_ units: [DeliveryUnit], _ rules: Rules) -> [DeliveryUnit] {
        guard rules.digestsMany || rules.digestsRedelivered || !rules.overflowed.isEmpty else { return units }
        var counts: [Place: Int] = [:]
        for unit in units { counts[unit.place, default: 0] += 1 }
        var result: [DeliveryUnit] = []
        var open: [Place: (index: Int, bytes: Int)] = [:]
        for unit in units {
            let count = counts[unit.place] ?? 0
            let isMany = rules.digestsMany && count > digestFrom
            let isOverflow = rules.overflowed.contains(unit.place) && count > 1
            let isAgain = rules.digestsRedelivered && unit.offers > 0
            let bytes = unit.items.reduce(0) { $0 + $1.delivery.body.count }
            guard isMany || isOverflow || isAgain else {
                open[unit.place] = nil
                result.append(unit)
                continue
            }
            if let (index, size) = open[unit.place], result[index].items.count + unit.items.count <= digestLimit,
                size + bytes <= digestBytes
            {
                result[index].items += unit.items
                result[index].kind = .digest
                open[unit.place] = (index, size + bytes)
            } else {
                open[unit.place] = (result.count, bytes)
                result.append(unit)
            }
        }
        return result
    }
}

/// What makes two alerts the same: all that is said in one chat about one thing, while it goes on or is over.
struct AlertKey: Hashable {
    private let place: Place
    private let fingerprint: String
    private let state: AlertState?

    /// `nil` for what is no alert.
    init?(_ head: EventHead, _ place: Place) {
        guard let fingerprint = head.fingerprint else { return nil }
        self.place = place
        self.fingerprint = fingerprint
        state = head.state
    }
}

/// A long text that a platform's client sends as several messages.
enum Paste {
    /// The next part comes within so much of the platform's time, in milliseconds.
    static let gap: Int64 = 3_000
    /// A platform with shorter messages than this is not one where texts are pasted.
    static let leastLimit = 500

    /// Whether a text is so long that its end may be where the platform cut it.
    static func isCut(_ body: [UInt8], limit: Int64) -> Bool {
        // Fewer bytes than UTF-16 units a text never has.
        guard limit >= leastLimit, body.count * 20 >= Int(limit) * 19 else { return false }
        do { return try EventBody(json: body).text.utf16.count * 20 >= Int(limit) * 19 } catch { return false }
    }
}

extension TakenDelivery {
    /// Something may belong to it; most events stand alone, and that is known without looking closer.
    fileprivate var mayBelong: Bool {
        delivery.head.group != nil || delivery.head.fingerprint != nil || delivery.offers > 0
            || delivery.body.count * 20 >= Paste.leastLimit * 19
    }
}

extension WaitingDelivery {
    var place: Place { Place(source: source, chat: head.chat, thread: head.thread) }
}
