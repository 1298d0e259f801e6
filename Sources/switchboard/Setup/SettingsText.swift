import JSON

/// `switchboard.yaml` as text, to which entries are added without touching a line that is there. Pure.
struct SettingsText {
    private(set) var text: String

    init(_ text: String) { self.text = text }

    /// Whether a section stands at the top level.
    func has(_ section: String) -> Bool { line(of: section) != nil }

    /// Adds `key` with members to a section, as its last entry.
    /// - Throws: ``CommandFailure`` with the lines to write by hand, where the section has a form that is not understood.
    mutating func add(_ key: String, _ members: JSONObject, to section: String) throws(CommandFailure) {
        var lines = text.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
        if lines.last == "" { lines.removeLast() }
        guard let index = line(of: section) else {
            if let last = lines.last, !last.isEmpty { lines.append("") }
            lines += ["\(section):"] + Self.block(key, members, indent: "  ")
            return text = lines.joined(separator: "\n") + "\n"
        }
        let value = Self.withoutComment(lines[index].dropFirst(section.utf8.count + 1))
        if value.isEmpty {
            let end = lines[(index + 1)...].firstIndex { Self.indent(of: $0) == "" } ?? lines.count
            let child = lines[(index + 1)..<end].lazy.compactMap(Self.indent).first ?? "  "
            var place = end
            while place > index + 1, Self.indent(of: lines[place - 1]) == nil { place -= 1 }
            lines.insert(contentsOf: Self.block(key, members, indent: child), at: place)
        } else if value.first == "{", value.last == "}", let brace = lines[index].firstIndex(of: "{") {
            let isEmpty = value.dropFirst().dropLast().allSatisfy(\.isWhitespace)
            let entry = " \(key): \(JSONValue.object(members).text)" + (isEmpty ? "" : ",")
            lines[index].insert(contentsOf: entry, at: lines[index].index(after: brace))
        } else {
            let wanted = (["\(section):"] + Self.block(key, members, indent: "  ")).joined(separator: "\n")
            throw CommandFailure(
                "\(section) is written in a way that is not understood here; add by hand:\n\n\(wanted)\n")
        }
        text = lines.joined(separator: "\n") + "\n"
    }

    private func line(of section: String) -> Int? {
        text.split(separator: "\n", omittingEmptySubsequences: false).firstIndex { $0.hasPrefix("\(section):") }
    }

    private static func block(_ key: String, _ members: JSONObject, indent: String) -> [String] {
        guard !members.isEmpty else { return ["\(indent)\(key): {}"] }
        return ["\(indent)\(key):"] + members.map { "\(indent)  \($0.key): \($0.value.text)" }
    }

    /// The spaces before a line's words; `nil` for a line that is blank or a comment.
    private static func indent(of line: String) -> String? {
        let spaces = line.prefix { $0 == " " || $0 == "\t" }
        let first = line.dropFirst(spaces.count).first
        return first == nil || first == "#" || first == "\r" ? nil : String(spaces)
    }

    private static func withoutComment(_ rest: Substring) -> Substring {
        var value = rest
        if let comment = value.indices.first(where: { index in
            value[index] == "#" && (index == value.startIndex || value[value.index(before: index)].isWhitespace)
        }) {
            value = value[..<comment]
        }
        while value.first?.isWhitespace == true { value.removeFirst() }
        while value.last?.isWhitespace == true { value.removeLast() }
        return value
    }
}
