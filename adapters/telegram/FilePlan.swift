import AdapterKit

/// How the files of one message go out: as which kind, how many in one message, and where the words stand. Pure.
struct FilePlan: Hashable {
    /// What a caption has room for, in UTF-16 units.
    static let captionLimit = 1024
    /// Larger pictures go out as documents, in bytes.
    static let photoLimit: Int64 = 10 << 20
    /// Files in one message.
    static let groupLimit = 10

    enum Kind: String, Hashable {
        case photo, document, animation

        /// An animation stands alone.
        var isGrouped: Bool { self != .animation }
        var method: String {
            switch self {
            case .photo: return "sendPhoto"
            case .document: return "sendDocument"
            case .animation: return "sendAnimation"
            }
        }
    }

    struct Message: Hashable {
        /// Places in the list of files; one alone is no group.
        var files: [Int]
        var kind: Kind
    }

    private(set) var messages: [Message] = []
    /// Whether the text is the first message's caption; else it goes before the files.
    let isCaptioned: Bool

    /// - Parameter hasButtons: a group of files has none, so they stand below the text.
    init(_ files: [CommandFile], text: String, hasButtons: Bool = false) {
        isCaptioned = text.utf16.count <= Self.captionLimit && !hasButtons
        for (index, file) in files.enumerated() {
            let kind = Self.kind(of: file)
            if let last = messages.last, last.kind == kind, kind.isGrouped, last.files.count < Self.groupLimit {
                messages[messages.count - 1].files.append(index)
            } else {
                messages.append(Message(files: [index], kind: kind))
            }
        }
    }

    private static func kind(of file: CommandFile) -> Kind {
        switch file.mediaType {
        // The server takes these as pictures, up to a size; others it would refuse or spoil.
        case "image/jpeg", "image/png", "image/webp": return file.size <= photoLimit ? .photo : .document
        case "image/gif": return .animation
        default: return .document
        }
    }
}
