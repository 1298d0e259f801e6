import JSON
import MessageStore

/// What a grant covers: one tool of one session, by a pattern over the one argument that says what the tool will do.
enum Grant {
    /// Longest life, in milliseconds, and most uses.
    static let longest: Int64 = 86_400_000
    static let most: Int64 = 1_000
    /// What the button of a card gives.
    static let buttonLifetime: Int64 = 1_800_000
    static let buttonCount: Int64 = 20

    /// Tools whose one argument is a file.
    private static let fileTools = [
        "Read": "file_path", "Edit": "file_path", "Write": "file_path", "MultiEdit": "file_path",
        "NotebookEdit": "notebook_path",
    ]
    /// Arguments of `Bash` that change nothing about what may happen. Any other, such as one that leaves the sandbox or
    /// one of a later version, takes a person.
    private static let harmless: Set<String> = ["command", "description", "timeout", "run_in_background"]

    static let tools = (["Bash"] + fileTools.keys).sorted()

    /// What a pattern is matched against; `nil` when no grant can cover this call.
    static func subject(of tool: String, input: JSONValue) -> String? {
        guard let members = input.objectValue else { return nil }
        if tool == "Bash" {
            guard members.allSatisfy({ harmless.contains($0.key) }), let command = input["command"]?.stringValue,
                SimpleCommand.isSimple(command)
            else { return nil }
            return command
        }
        guard let key = fileTools[tool], let path = input[key]?.stringValue, isPlainPath(path) else { return nil }
        return path
    }

    /// Absolute, and nothing in it that a file system reads as another place.
    private static func isPlainPath(_ path: String) -> Bool {
        guard path.first == "/", path.utf8.count <= 4_096, path.utf8.allSatisfy({ (0x20...0x7E).contains($0) }) else {
            return false
        }
        return components(path).allSatisfy { !$0.isEmpty && $0 != "." && $0 != ".." }
    }

    private static func components(_ path: String) -> [Substring] {
        path.dropFirst().split(separator: "/", omittingEmptySubsequences: false)
    }

    /// What is wrong with a pattern; `nil` when it can be granted.
    static func complaint(about pattern: String, tool: String) -> String? {
        guard tools.contains(tool) else {
            return
                "a grant is for one of \(tools.joined(separator: ", ")): of other tools nothing says what a call does"
        }
        let literal = String(pattern.map { $0 == "*" ? "x" : $0 })
        guard tool == "Bash" else {
            return isPlainPath(literal) && pattern.split(separator: "/").first.map { !$0.contains("*") } ?? false
                ? nil
                : "a pattern for \(tool) is an absolute path whose first folder is written out; * stands for anything"
        }
        guard SimpleCommand.isSimple(literal) else {
            return
                "a pattern for Bash is one simple command: words of letters, digits and _-./:,@+%=; * stands for anything"
        }
        let program = pattern.prefix { $0 != " " }
        guard !program.contains("*") else {
            return "the program of a pattern is written out: `swift test*`, not `swift*`"
        }
        let name = program.split(separator: "/").last.map(String.init) ?? String(program)
        guard !pattern.contains("*") || !SimpleCommand.launchers.contains(name) else {
            return "\(name) runs what its arguments say: a pattern with * would allow everything"
        }
        return nil
    }

    /// Whether a grant covers a call. Where it stands, who gave it and whether it is used up is the caller's business.
    static func covers(_ pattern: String, tool: String, input: JSONValue) -> Bool {
        guard complaint(about: pattern, tool: tool) == nil, let subject = subject(of: tool, input: input) else {
            return false
        }
        guard matches(Array(subject.utf8), Array(pattern.utf8)) else { return false }
        guard tool != "Bash" else { return true }
        // A hidden folder holds settings, hooks and keys: it is covered only where the pattern names it.
        let named = Set(components(pattern))
        return components(subject).allSatisfy { !$0.hasPrefix(".") || named.contains($0) }
    }

    /// `*` is any run of characters. In time proportional to the product of both lengths.
    private static func matches(_ text: [UInt8], _ pattern: [UInt8]) -> Bool {
        var (at, next) = (0, 0)
        var star: (pattern: Int, text: Int)?
        while at < text.count {
            if next < pattern.count, pattern[next] == UInt8(ascii: "*") {
                star = (next, at)
                next += 1
            } else if next < pattern.count, pattern[next] == text[at] {
                at += 1
                next += 1
            } else if let last = star {
                star = (last.pattern, last.text + 1)
                at = last.text + 1
                next = last.pattern + 1
            } else {
                return false
            }
        }
        return pattern[next...].allSatisfy { $0 == UInt8(ascii: "*") }
    }
}

extension GrantRecord {
    func isValid(at wall: Int64) -> Bool {
        // A clock that was set back does not make it last longer than it was given for.
        !isRevoked && used < count && wall >= created && wall < expires
    }

    var left: Int64 { max(0, count - used) }
}
