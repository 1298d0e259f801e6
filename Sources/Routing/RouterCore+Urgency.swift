import ChannelEvents
import MessageStore

extension RouterCore {
    /// Whether this goes to a session at once, although Claude Code tells Claude then that it is not from its user: the
    /// sender wrote a `!` before it, or a configured route says so.
    func isUrgent(_ arrival: Arrival) -> Bool {
        if settings.routes.contains(where: { $0.isUrgent && $0.matches(arrival) }) { return true }
        guard arrival.head.isPersons,
            AddressedText.mayBegin(arrival.delivery.body, with: [UInt8(ascii: "!"), UInt8(ascii: "@")])
        else { return false }
        let text = arrival.text
        if text.hasPrefix("!") { return text.count > 1 }
        // `@label !text`: urgent, for one session.
        let words = text.split(maxSplits: 1, omittingEmptySubsequences: true) { $0.isWhitespace }
        return words.count == 2 && words[0].hasPrefix("@") && words[1].hasPrefix("!")
    }
}
