import AdapterKit

/// One condition on a JSON body. Pure.
struct HookFilter: Hashable, Sendable {
    static let shape = [
        Setting("path", .text, "where to look, such as $.action or alerts[0].labels.severity", isRequired: true),
        Setting("is", .oneOrMore(.text), "what may stand there; `*` stands for anything"),
        Setting("is_not", .oneOrMore(.text), "what may not stand there; `*` stands for anything"),
        Setting("exists", .boolean, "whether something must or must not stand there"),
    ]

    var path: JSONPath
    var wanted: [WordPattern] = []
    var unwanted: [WordPattern] = []
    var exists: Bool?

    func holds(_ json: JSONValue) -> Bool {
        if let exists, (path.value(in: json).map { $0 != .null } ?? false) != exists { return false }
        let word = path.word(in: json)
        if !wanted.isEmpty {
            guard let word, wanted.contains(where: { $0.matches(word) }) else { return false }
        }
        if let word, unwanted.contains(where: { $0.matches(word) }) { return false }
        return true
    }
}

/// A text in which `*` stands for any characters, also none.
struct WordPattern: Hashable, Sendable {
    private let parts: [[UInt8]]

    init(_ text: String) {
        parts = text.utf8.split(separator: UInt8(ascii: "*"), omittingEmptySubsequences: false).map { Array($0) }
    }

    /// In time proportional to the word's length times the pattern's, whatever stands in them.
    func matches(_ word: String) -> Bool {
        let word = Array(word.utf8)
        guard let first = parts.first, let last = parts.last, parts.count > 1 else { return word == parts.first ?? [] }
        guard word.starts(with: first) else { return false }
        var rest = word[first.count...]
        for part in parts.dropFirst().dropLast() where !part.isEmpty {
            guard let range = rest.firstRange(of: part) else { return false }
            rest = rest[range.upperBound...]
        }
        return rest.count >= last.count && rest.suffix(last.count).elementsEqual(last)
    }
}
