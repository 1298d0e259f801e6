import AccessControl
import ChannelEvents
import OperatingHome

/// What a text of the configuration must look like.
enum TextForm: String, Sendable {
    case identifier, kind, source, label, conversation, reference, endpoint, curveKey
    case sender, groupMember, mentionPattern, address, hours

    /// What was expected, for the error; `nil` when the text is right.
    func complaint(_ text: String) -> String? {
        switch self {
        case .identifier: text.isEmpty || text.utf8.count > 512 ? "expected an id of 1 to 512 bytes" : nil
        case .sender: SenderID.complaint(text)
        case .groupMember: GroupAllow.complaint(text)
        case .mentionPattern:
            MentionPattern(text) == nil
                ? "expected a text of 1 to \(MentionPattern.limit) bytes, with * for anything" : nil
        case .address:
            Address(text).map { SenderID.complaint($0.id) } ?? "expected source:id with the permanent id of a sender"
        case .kind:
            SourceName(text) == nil
                ? "expected the name of an adapter program without `switchboard-`, such as webhook" : nil
        case .source:
            SourceName(text) == nil
                ? "expected a source name: 1 to 32 of a-z, 0-9 and -, starting with a letter" : nil
        case .label: SessionLabel.isValid(text) ? nil : "expected a session label: 1 to 64 of letters, digits, - _ ."
        case .conversation:
            Conversation(text) == nil ? "expected source:chat or source:chat/thread, as in webhook:ci" : nil
        case .reference:
            SecretResolver.isReference(text) ? nil : "expected a secret reference: env:NAME or file:PATH"
        case .hours: Self.areHours(text) ? nil : "expected two times of day, as in 22:00-07:00"
        case .endpoint: Self.isEndpoint(text) ? nil : "expected tcp://address:port, as in tcp://192.0.2.1:8440"
        case .curveKey: Self.isCurveKey(text) ? nil : "expected a CURVE public key: 40 characters of Z85"
        }
    }

    /// A regular expression for the JSON schema, where the form has a short one.
    var pattern: String? {
        switch self {
        case .source, .kind: "^[a-z][a-z0-9-]{0,31}$"
        case .label: "^[A-Za-z0-9_.-]{1,64}$"
        case .conversation: "^[a-z][a-z0-9-]{0,31}:[^/]+(/.+)?$"
        case .reference: "^(env|file):.+$"
        case .endpoint: "^tcp://.+:[0-9]{1,5}$"
        case .groupMember: "^[^@].*$"
        case .hours: "^([01][0-9]|2[0-3]):[0-5][0-9]-([01][0-9]|2[0-3]):[0-5][0-9]$"
        case .sender: "^[^@\\s][^\\s]*$"
        case .address: "^[a-z][a-z0-9-]{0,31}:[^@\\s].*$"
        case .identifier, .curveKey, .mentionPattern: nil
        }
    }

    private static func areHours(_ text: String) -> Bool {
        let times = text.split(separator: "-", omittingEmptySubsequences: false).map { time -> Int? in
            let digits = Array(time.utf8)
            guard digits.count == 5, digits[2] == UInt8(ascii: ":"),
                let hours = Int(time.prefix(2)), let minutes = Int(time.suffix(2)), (0..<24).contains(hours),
                (0..<60).contains(minutes)
            else { return nil }
            return hours * 60 + minutes
        }
        return times.count == 2 && times[0] != nil && times[1] != nil && times[0] != times[1]
    }

    private static func isEndpoint(_ text: String) -> Bool {
        guard text.hasPrefix("tcp://") else { return false }
        let rest = text.dropFirst(6)
        guard let colon = rest.lastIndex(of: ":"), colon != rest.startIndex else { return false }
        let port = rest[rest.index(after: colon)...]
        guard port.utf8.allSatisfy({ (0x30...0x39).contains($0) }), let number = Int(port) else { return false }
        return (1...65_535).contains(number) && !rest.contains("/") && !rest.contains(" ")
    }

    private static let z85 = Set(
        "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ.-:+=^!/*?&<>()[]{}@%$#".utf8)

    private static func isCurveKey(_ text: String) -> Bool {
        text.utf8.count == 40 && text.utf8.allSatisfy(z85.contains)
    }
}
