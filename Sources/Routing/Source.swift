import BusProtocol
import ChannelEvents
import MessageBus
import MessageStore

/// One adapter instance as the router sees it.
struct Source {
    let id: SourceID
    let name: SourceName
    var cursor: [UInt8]?
    var holder: SourceRecord.Holder?
    var link: LinkID?
    /// A holder without a link keeps its source until then (uptime): a restarted router must not let a second one in.
    var leaseEnd: Int64 = 0
    var hello: Hello?
    var health = Health(state: .up)
    var healthSince: Int64 = 0
    var published: Int64 = 0
    var admitted: Int64 = 0
    var duplicates: Int64 = 0
    var refused: Int64 = 0
    var lastEvent: Int64?

    init(_ record: SourceRecord) {
        id = record.id
        name = record.name
        cursor = record.cursor
        holder = record.holder
    }

    var word: String { link == nil ? "away" : health.state.rawValue }
}
