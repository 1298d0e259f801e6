public import ChannelEvents

/// One change that `switchboard access` made to what the configuration says. The newest of a subject counts.
public enum AccessAmendment: Hashable, Sendable {
    /// A sender is on the list, or off it, whatever the configuration says.
    case sender(Address, isListed: Bool)
    case approver(Address, isListed: Bool)
    /// A group as it is from now on; `nil` switches it off.
    case group(SourceName, chat: String, GroupPolicy?)
    case directPolicy(SourceName, SourcePolicy.DirectPolicy)

    public var source: SourceName {
        switch self {
        case .sender(let address, _), .approver(let address, _): address.source
        case .group(let source, _, _), .directPolicy(let source, _): source
        }
    }
}

extension AccessPolicy {
    public mutating func apply(_ amendment: AccessAmendment) {
        var policy = self[amendment.source]
        switch amendment {
        case .sender(let address, true): policy.allow.insert(address.id)
        case .sender(let address, false):
            policy.allow.remove(address.id)
            policy.approvers.remove(address.id)
        case .approver(let address, true): policy.approvers.insert(address.id)
        case .approver(let address, false): policy.approvers.remove(address.id)
        case .group(_, let chat, let group): policy.groups[chat] = group
        case .directPolicy(_, let direct): policy.directPolicy = direct
        }
        self[amendment.source] = policy
    }
}

/// A sender's id as a person types it: permanent ids only, because anybody can take a name.
public enum SenderID {
    /// What is wrong with an id; `nil` when it can be one.
    public static func complaint(_ text: String) -> String? {
        if text.isEmpty || text.utf8.count > EventHead.fieldLimit {
            return "an id has 1 to \(EventHead.fieldLimit) bytes"
        }
        if text.hasPrefix("@") || isTagged(text) {
            return "\(text) is a name, and names can be taken by anybody; use the permanent id, "
                + "which `switchboard access list` shows for everybody who wrote lately"
        }
        if text.unicodeScalars.contains(where: { $0.properties.isWhitespace || $0.value < 0x20 }) {
            return "a permanent id has no white space; a display name is none"
        }
        return nil
    }

    /// `name#1234`, as some platforms write a name that is not the only one of its kind.
    private static func isTagged(_ text: String) -> Bool {
        let parts = text.split(separator: "#", omittingEmptySubsequences: false)
        return parts.count == 2 && parts[1].utf8.count == 4
            && parts[1].utf8.allSatisfy { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }
    }
}
