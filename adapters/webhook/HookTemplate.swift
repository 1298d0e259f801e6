import AdapterKit
import Mustache

/// A route's own words for what comes in: Mustache over the body, and over values that JSON paths name.
///
/// Values are text from outside: each becomes one line of bounded length, and long lists are cut, so that neither their
/// content nor their number can make more of a message than the template means.
struct HookTemplate: Sendable {
    /// Longest text that comes out, in bytes.
    static let byteLimit = 8_192
    /// Longest template, in bytes, and its sections inside each other.
    static let sourceLimit = 8_192
    static let depthLimit = 4
    /// Elements of a list that are shown, characters of a value.
    static let elementLimit = 20
    static let valueLimit = 500

    struct Malformed: Error, Hashable {
        let message: String
    }

    private let template: MustacheTemplate
    private let values: [(name: String, path: JSONPath)]

    init(_ text: String, values: [(name: String, path: JSONPath)] = []) throws(Malformed) {
        guard text.utf8.count <= Self.sourceLimit else {
            throw Malformed(message: "the template is longer than \(Self.sourceLimit) bytes")
        }
        if let last = text.components(after: "{{").last, last.firstRange(of: "}}") == nil {
            throw Malformed(message: "a {{ is never closed")
        }
        // Partials, blocks, other delimiters and content types have no use here, and each has ways to go wrong.
        if let mark = Self.marks(in: text).first(where: { "><$=%".contains($0) }) {
            throw Malformed(message: "a template has no {{\(mark)")
        }
        guard Self.depth(of: text) <= Self.depthLimit else {
            throw Malformed(message: "sections stand in each other more than \(Self.depthLimit) deep")
        }
        do {
            // Without this Mustache would write &amp; for &, as for a web page.
            template = try MustacheTemplate(string: "{{% CONTENT_TYPE:TEXT}}" + text)
        } catch {
            throw Malformed(message: "the template cannot be read: \(HookText.line("\(error)"))")
        }
        self.values = values
    }

    /// The characters that follow each `{{`.
    private static func marks(in text: String) -> [Character] {
        text.components(after: "{{").compactMap { $0.first { $0 != " " } }
    }

    private static func depth(of text: String) -> Int {
        var depth = 0
        var deepest = 0
        for mark in marks(in: text) {
            if mark == "#" || mark == "^" { depth += 1 }
            if mark == "/" { depth -= 1 }
            deepest = max(deepest, depth)
        }
        return deepest
    }

    /// - Returns: `nil` when nothing comes out.
    func text(of json: JSONValue) -> String? {
        var named: [String: TemplateValue] = [:]
        for (name, path) in values { named[name] = path.value(in: json).flatMap { TemplateValue($0) } }
        let text = template.render(TemplateScope(body: TemplateValue(json), named: named))
        var lines: [String] = []
        var bytes = 0
        for line in text.split(separator: "\n", omittingEmptySubsequences: false) {
            let plain = HookText.line(line, limit: 2_000)
            bytes += plain.utf8.count + 1
            guard bytes <= Self.byteLimit else {
                lines.append("…")
                break
            }
            // A section that shows nothing leaves its empty lines; one between paragraphs is enough.
            if plain.isEmpty, lines.last?.isEmpty ?? true { continue }
            lines.append(plain)
        }
        while lines.last?.isEmpty == true { lines.removeLast() }
        return lines.isEmpty ? nil : lines.joined(separator: "\n")
    }
}

/// What a template's names are looked up in: first the named values, then the body.
private struct TemplateScope: MustacheParent, MustacheCustomRenderable {
    let body: TemplateValue?
    let named: [String: TemplateValue]

    /// `{{.}}` is the whole body.
    var renderText: String { body?.renderText ?? "" }
    var isNull: Bool { false }

    func child(named name: String) -> Any? {
        if let value = named[name] { return value.shown }
        return body?.child(named: name)
    }
}

/// A JSON value as Mustache may see it.
private struct TemplateValue: MustacheParent {
    private let json: JSONValue

    /// - Returns: `nil` for null, which Mustache takes as absent.
    init?(_ json: JSONValue) {
        guard json != .null else { return nil }
        self.json = json
    }

    /// A member's or an element's value; `alerts.0.status` reaches into a list.
    func child(named name: String) -> Any? {
        if let values = json.arrayValue {
            guard let index = Int(name), values.indices.contains(index) else { return nil }
            return TemplateValue(values[index])?.shown
        }
        return json[name].flatMap { TemplateValue($0) }?.shown
    }

    /// Itself, in the form in which Mustache tells sections, lists and texts apart.
    var shown: Any {
        switch json {
        case .string(let text): HookText.line(text, limit: HookTemplate.valueLimit)
        case .bool(let flag): flag
        case .integer(let number): number
        case .number(let number): number
        case .array(let values):
            TemplateList(
                elements: values.prefix(HookTemplate.elementLimit).compactMap { TemplateValue($0)?.shown }, whole: self)
        case .object, .null: self
        }
    }
}

extension TemplateValue: MustacheCustomRenderable {
    /// An object or list that is written as a text is its JSON.
    var renderText: String { HookText.line(json.text, limit: HookTemplate.valueLimit) }
    var isNull: Bool { false }
}

private struct TemplateList: MustacheSequence, MustacheParent, MustacheCustomRenderable {
    let elements: [Any]
    let whole: TemplateValue

    func makeIterator() -> IndexingIterator<[Any]> { elements.makeIterator() }
    func child(named name: String) -> Any? { whole.child(named: name) }
    var renderText: String { whole.renderText }
    var isNull: Bool { false }
}

extension String {
    /// What follows each occurrence of a mark, up to the end.
    fileprivate func components(after mark: String) -> [Substring] {
        var found: [Substring] = []
        var rest = self[...]
        while let range = rest.firstRange(of: mark) {
            rest = rest[range.upperBound...]
            found.append(rest)
        }
        return found
    }
}
