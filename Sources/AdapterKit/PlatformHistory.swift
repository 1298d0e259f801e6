import BusProtocol
import ChannelEvents
import JSON

/// What was said in a conversation before, as its platform keeps it.
public struct HistoryRequest: Hashable, Sendable {
    public var chat: String
    public var thread: String?
    /// Only what is older than the platform's message of this id; the newest without it.
    public var before: String?
    /// Messages at most.
    public var limit: Int

    /// `nil` when the question is not for a history.
    init?(_ fetch: Fetch) {
        guard let limit = fetch.messages, let chat = fetch.chat else { return nil }
        self.chat = chat
        thread = fetch.thread
        before = fetch.event
        self.limit = limit
    }
}

extension AttachmentContent {
    /// Events as they travel: a JSON list of objects with `head` and `body`.
    static func history(_ events: [Event]) -> AttachmentContent {
        var writer = JSONWriter(capacity: events.count * 256)
        writer.beginArray()
        for event in events {
            writer.beginObject()
            writer.key("head")
            event.head.write(to: &writer)
            writer.key("body")
            writer.raw(event.body.json)
            writer.endObject()
        }
        writer.endArray()
        return .bytes(writer.bytes)
    }
}
