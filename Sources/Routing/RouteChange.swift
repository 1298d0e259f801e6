public import AccessControl
import JSON
public import MessageStore

/// A change in which session a conversation's events go to.
public enum RouteChange: Sendable {
    /// `nil` takes the binding back.
    case binding(Place, SessionID?)
    case asked(Place, Bool)
    case speaker(SessionID, Place)
    case spoken(SessionID, Place, ids: [String])
    /// What waits in a conversation becomes another session's.
    case handOver(Place, from: SessionID, to: SessionID, of: SenderSelection = .everybody(but: []))
    case topicChat(ChatKey, isOn: Bool)
    case topic(TopicRecord, isOpen: Bool)
}

extension StoreTurn {
    mutating func apply(_ change: RouteChange, now: Int64) throws {
        switch change {
        case .binding(let place, let session): try bind(place, to: session)
        case .asked(let place, let isAsked): try setAsked(place, isAsked)
        case .speaker(let session, let place): try addSpeaker(session, in: place)
        case .spoken(let session, let place, let ids): try setSpoken(ids, by: session, in: place, now: now)
        case .handOver(let place, let old, let new, .everybody(let others)):
            try handOver(place, from: old, to: new, senders: Self.list(others), isExclusion: true)
        case .handOver(let place, let old, let new, .only(let some)):
            try handOver(place, from: old, to: new, senders: Self.list(some), isExclusion: false)
        case .topicChat(let chat, let isOn): try setTopicChat(chat, isOn)
        case .topic(let topic, let isOpen): try setTopic(topic, isOpen: isOpen)
        }
    }

    private static func list(_ senders: Set<String>) -> String {
        JSONValue.array(senders.sorted().map(JSONValue.string)).text
    }
}
