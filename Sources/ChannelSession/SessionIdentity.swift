public import BusProtocol

/// Who this session is to the router.
public struct SessionIdentity: Hashable, Sendable {
    /// What people call it; the router makes it unique.
    public var label: String
    /// The project's folder.
    public var project: String
    /// This process, and Claude Code, which started it.
    public var pid: Int64
    public var parent: Int64
    /// Random, one per process.
    public var instance: String
    /// Where received files lie: Claude may read there without being asked. `nil` where there is no such folder.
    public var inboxFolder: String?

    /// Deliveries that may be unwritten at once; the router sends no more before it hears that some were written.
    public static let credit: Int64 = 256

    /// - Parameter label: `nil` takes the project folder's name.
    public init(
        label: String?, project: String, pid: Int64, parent: Int64, instance: String, inboxFolder: String? = nil
    ) {
        self.label = Self.label(label ?? Self.lastComponent(project))
        self.project = project
        self.pid = pid
        self.parent = parent
        self.instance = instance
        self.inboxFolder = inboxFolder
    }

    public func hello(program: String) -> Hello {
        Hello(
            role: .endpoint, name: label, program: program, instance: instance, pid: pid, project: project,
            parent: parent,
            credit: Self.credit)
    }

    private static func lastComponent(_ path: String) -> String {
        path.split(separator: "/").last.map(String.init) ?? ""
    }

    /// One word of letters, digits, `-`, `_` and `.`, which a person can type after `@` in a chat; at most 64 characters.
    static func label(_ text: String) -> String {
        var label = ""
        for character in text.prefix(64) {
            let isFit = character.isLetter || character.isNumber || "-_.".contains(character)
            label.append(isFit ? character : "-")
        }
        while label.utf8.count > 128 { label.removeLast() }
        return label.allSatisfy { $0 == "-" } ? "session" : label
    }
}
