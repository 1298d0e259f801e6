import ChannelEvents
import MessageStore

/// A fresh event that was let in, on its way to whoever takes it: the permission relay, a chat command, a session.
struct Arrival {
    var delivery: WaitingDelivery
    let source: SourceName

    var head: EventHead { delivery.head }
    var place: Place { Place(source: delivery.source, chat: head.chat, thread: head.thread) }
    var conversation: Conversation { Conversation(source: source, chat: head.chat, thread: head.thread) }
    var key: EventKey { EventKey(source: source, id: head.id) }

    /// The text that the sender wrote, read from the body: most events are routed without it.
    var text: String {
        // What was admitted has a text that can be read: `EventBody.isValid` said so.
        do { return try EventBody(json: delivery.body).text } catch { return "" }
    }
}
