import AccessControl
import ChannelEvents
import MessageStore

/// What follows from access: refusals and pairing, who may be reached, where a person is.
extension RouterCore {
    /// A fresh event whose sender is not let in.
    mutating func turnAway(_ head: EventHead, from source: SourceName, _ decision: Decision, _ now: Moment) {}

    /// The outbound gate: whether the inbound gate would let this conversation in now.
    func mayReach(_ place: Place) -> Bool { true }

    /// The conversation in which a person is met alone; `nil` when none is known yet.
    func directPlace(of address: Address) -> Place? { nil }
}
