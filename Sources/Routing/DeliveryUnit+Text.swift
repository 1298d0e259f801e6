import ChannelEvents
import MessageStore

/// What a unit of several events says.
extension DeliveryUnit {
    /// The body to deliver; the lead's own where it stands alone.
    var body: [UInt8] {
        switch kind {
        case .single, .repeated: return lead.body
        case .album: return joined { $0.filter { !$0.isEmpty }.joined(separator: "\n") }
        case .paste:
            // A client cuts at a space or a line break where it finds one, and drops that.
            return joined { $0.joined(separator: "\n") }
        case .digest: return digestBody
        }
    }

    private var bodies: [EventBody] {
        items.map { item in
            // What was admitted has a body that can be read.
            do { return try EventBody(json: item.delivery.body) } catch { return EventBody(text: "") }
        }
    }

    private func joined(_ join: ([String]) -> String) -> [UInt8] {
        let bodies = self.bodies
        return EventBody(
            text: join(bodies.map(\.text)), user: bodies[0].user, chatTitle: bodies[0].chatTitle,
            attachments: bodies.flatMap(\.attachments)
        ).json
    }

    /// Each message under a line of its own that says whose it is. Every line of a text is quoted: none can be taken for
    /// such a line.
    private var digestBody: [UInt8] {
        let bodies = self.bodies
        var text = "\(items.count) messages that waited, the oldest first.\n"
        for (item, body) in zip(items, bodies) {
            let head = item.delivery.head
            var line = "\n" + Timestamp.text(milliseconds: head.time)
            if let user = body.user { line += " \(Self.plain(user))" }
            if !head.sender.isEmpty { line += " (user_id \(Self.plain(head.sender)))" }
            line += ", message_id \(Self.plain(head.id))"
            if head.kind != .message { line += ", \(Self.plain(head.kind.rawValue))" }
            if item.delivery.offers > 0 { line += ", redelivery \(item.delivery.offers)" }
            if !body.attachments.isEmpty { line += ", attachments \(body.attachments.count)" }
            text += line + ":\n"
            for part in body.text.split(omittingEmptySubsequences: false, whereSeparator: \.isNewline) {
                text += "> \(part)\n"
            }
        }
        return EventBody(
            text: text, user: nil, chatTitle: bodies[0].chatTitle, attachments: bodies.flatMap(\.attachments)
        ).json
    }

    private static func plain(_ text: String) -> String {
        String(text.unicodeScalars.prefix(64).filter { $0.properties.generalCategory != .control }.map(Character.init))
    }
}
