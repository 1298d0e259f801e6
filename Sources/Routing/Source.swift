import BusProtocol
import ChannelEvents
import JSON
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
    /// What the adapter that was here last can do; `nil` when none ever was.
    var abilities: Abilities?
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
        // What cannot be read is as good as never said: the adapter says it again when it comes.
        if let bytes = record.abilities, case .success(let json) = Result(catching: { try JSONValue(parsing: bytes) }) {
            abilities = Abilities(from: json)
        }
    }

    var word: String { link == nil ? "away" : health.state.rawValue }
}
