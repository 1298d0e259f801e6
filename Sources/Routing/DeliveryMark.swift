import BusProtocol
import MessageStore

/// What a person sees on a message for the state it is in. One table for all platforms: what a platform cannot show, it
/// does not. Marks follow the states and never run ahead of them.
///
/// | state | reaction on the message | typing | words |
/// |---|---|---|---|
/// | stored, held, offered, written | none: nobody has seen it | | the status line, the notice of an outage |
/// | seen | 👀 | while the turn that took it runs | |
/// | answered | taken back: the answer is there | ends | the answer |
/// | passed | 👌 | ends | |
/// | done | taken back | ends | why there is no answer |
/// | dead | taken back | | that it could not be delivered |
struct DeliveryMark: Hashable {
    /// Empty takes the reaction back.
    var reaction: String?
    /// Whether somebody types; `nil` leaves it.
    var isTyping: Bool?

    init?(_ state: DeliveryState, reason: String?, on abilities: Abilities?) {
        switch state {
        case .waiting, .offered, .written: return nil
        case .seen:
            reaction = "👀"
            isTyping = true
        case .answered: reaction = ""
        case .passed:
            reaction = "👌"
            isTyping = false
        case .done:
            // Nobody knows whether it was seen: there is no mark on it.
            guard reason != "uncovered" else { return nil }
            reaction = ""
            isTyping = false
        case .dead: reaction = ""
        }
        let verbs = abilities?.verbs ?? []
        if !verbs.contains("react") { reaction = nil }
        if !verbs.contains("typing") { isTyping = nil }
        if reaction == nil, isTyping == nil { return nil }
    }
}
