import AccessControl
import ChannelEvents
import JSON
import MessageStore

/// What became of an event, by the rule that was stored with it: `switchboard explain EVENT_ID` and `/why` say the same.
struct Explanation {
    /// As the store has it; a word that this version does not know was written by a newer one.
    var rule: String
    var deliveries: [HistoryEntry.Delivery]

    /// The rule, where it is one of ours.
    var decision: Decision.Rule? { Decision.Rule(rawValue: rule) }

    /// In words, without the text of the message and without its sender's name.
    var text: String {
        guard let decision else { return "Decided by a rule that this version does not know: \(rule)." }
        guard decision.letsIn else { return "Refused: \(decision.sentence) (\(rule)). Its text was not kept." }
        let way = "Let in: \(decision.sentence) (\(rule))."
        guard !deliveries.isEmpty else {
            return way + " It went to no session: the router itself answered it, or it is long settled."
        }
        return ([way] + deliveries.map(Self.sentence)).joined(separator: " ")
    }

    var json: JSONObject {
        var object: JSONObject = ["rule": .string(rule), "text": .string(text)]
        if let decision {
            object["allowed"] = .bool(decision.letsIn)
            object["why"] = .string(decision.sentence)
        }
        return object
    }

    private static func sentence(_ delivery: HistoryEntry.Delivery) -> String {
        let session = delivery.session
        guard !session.isEmpty else { return "It waits: no session takes it yet." }
        let repeated = delivery.offers > 1 ? ", offered \(delivery.offers) times" : ""
        switch delivery.state {
        case .waiting: return "It waits for \(session)\(repeated)."
        case .offered: return "It is on its way to \(session)\(repeated)."
        case .written: return "It was written to \(session)\(repeated); nothing shows yet that it was seen."
        case .seen: return "\(session) saw it\(repeated)."
        case .answered: return "\(session) answered it."
        case .passed: return "\(session) took note of it and had nothing to answer."
        case .done: return "\(session) is done with it."
        case .dead: return "It was given up for \(session): see `switchboard deadletters`."
        }
    }
}
