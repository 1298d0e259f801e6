public import JSON

/// `text` and `spans` of the verbs `send` and `edit`, as `adapters/PROTOCOL.md` has them.
extension FormattedText {
    /// What a command asks to show. Whatever stands there, the spans that come out are sound: sorted, inside the text,
    /// never empty, never from or to the middle of a character that is two units.
    public init(_ arguments: JSONValue) {
        let text = arguments["text"]?.stringValue ?? ""
        self.init(text: text)
        guard let listed = arguments["spans"]?.arrayValue, !listed.isEmpty else { return }
        let units = Array(text.utf16)
        let splitsNoScalar = { (index: Int) in index == units.count || !UTF16.isTrailSurrogate(units[index]) }
        let sound = listed.compactMap(Span.init(from:)).filter {
            $0.length > 0 && $0.start >= 0 && $0.start < units.count && $0.length <= units.count - $0.start
                && splitsNoScalar($0.start) && splitsNoScalar($0.end)
        }
        // The order of those that begin and end alike is kept: the first is the outer.
        spans = sound.enumerated().sorted {
            ($0.element.start, -$0.element.length, $0.offset) < ($1.element.start, -$1.element.length, $1.offset)
        }.map(\.element)
    }

    /// The members for a command; no `spans` where there are none.
    public var arguments: JSONObject {
        var members: JSONObject = ["text": .string(text)]
        if !spans.isEmpty { members["spans"] = .array(spans.map { .object($0.json) }) }
        return members
    }
}

extension FormattedText.Span {
    /// `nil` for a style of a later version: its words stand there without it.
    init?(from value: JSONValue) {
        guard let start = value["start"]?.integerValue.flatMap(Int.init(exactly:)),
            let length = value["length"]?.integerValue.flatMap(Int.init(exactly:)),
            let style = FormattedText.Style(from: value)
        else { return nil }
        self.init(style, start: start, length: length)
    }

    var json: JSONObject {
        var members = style.json
        members["start"] = .integer(Int64(start))
        members["length"] = .integer(Int64(length))
        return members
    }
}

extension FormattedText.Style {
    init?(from value: JSONValue) {
        switch value["style"]?.stringValue {
        case "bold": self = .bold
        case "italic": self = .italic
        case "strike": self = .strike
        case "code": self = .code
        case "pre": self = .pre(language: value["language"]?.stringValue)
        case "link":
            guard let url = value["url"]?.stringValue else { return nil }
            self = .link(url: url)
        case "quote": self = .quote
        case "heading":
            guard let level = value["level"]?.integerValue, (1...6).contains(level) else { return nil }
            self = .heading(level: Int(level))
        default: return nil
        }
    }

    var json: JSONObject {
        switch self {
        case .bold: return ["style": "bold"]
        case .italic: return ["style": "italic"]
        case .strike: return ["style": "strike"]
        case .code: return ["style": "code"]
        case .pre(let language):
            var members: JSONObject = ["style": "pre"]
            if let language { members["language"] = .string(language) }
            return members
        case .link(let url): return ["style": "link", "url": .string(url)]
        case .quote: return ["style": "quote"]
        case .heading(let level): return ["style": "heading", "level": .integer(Int64(level))]
        }
    }
}
