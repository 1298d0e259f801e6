import AdapterKit

/// Text as the platform takes it: plain, with entities. No markup is ever parsed, so no text can break it. Pure.
struct EntityRenderer {
    /// The server honours about as many in one message.
    static let entityLimit = 100

    let text: String
    let entities: [JSONValue]

    /// - Parameter limit: of the text, in UTF-16 units.
    init(_ formatted: FormattedText, limit: Int = CommandExecutor.textLimit) {
        let units = Array(formatted.text.utf16)
        var edit = TextEdit(units)
        for span in formatted.spans {
            switch span.style {
            // The platform draws a line beside a quote, and wants no marks in it.
            case .quote: edit.removeMarks(in: span)
            // The address of a link that nobody can open is shown.
            case .link(let url) where !Self.isOpenable(url): edit.insert(" (\(url))", at: span.end)
            default: break
            }
        }
        if edit.count > limit { edit = TextEdit(units) }
        text = edit.text
        // Code in code is code once.
        var codes: [Range<Int>] = []
        for span in formatted.spans where span.isCode {
            let place = edit.place(span)
            if !codes.contains(where: { $0.overlaps(place) }) { codes.append(place) }
        }
        var found: [(start: Int, length: Int, type: JSONObject)] = []
        var shown: Set<Int> = []
        var quoted = 0
        for span in formatted.spans {
            guard let type = Self.type(of: span.style) else { continue }
            let place = edit.place(span)
            switch span.style {
            case .code, .pre:
                guard let index = codes.firstIndex(of: place), !shown.contains(index) else { continue }
                shown.insert(index)
                found.append((place.lowerBound, place.count, type))
            case .quote:
                // Quotes do not nest.
                guard place.lowerBound >= quoted else { continue }
                quoted = place.upperBound
                found.append((place.lowerBound, place.count, type))
            // Nothing else may touch code.
            default: found += Self.rest(of: place, without: codes).map { ($0.lowerBound, $0.count, type) }
            }
        }
        entities = found.filter { $0.length > 0 }.prefix(Self.entityLimit).map { entity in
            var object = entity.type
            object["offset"] = .integer(Int64(entity.start))
            object["length"] = .integer(Int64(entity.length))
            return .object(object)
        }
    }

    private static func type(of style: FormattedText.Style) -> JSONObject? {
        switch style {
        case .bold, .heading: return ["type": "bold"]
        case .italic: return ["type": "italic"]
        case .strike: return ["type": "strikethrough"]
        case .code: return ["type": "code"]
        case .pre(let language):
            var object: JSONObject = ["type": "pre"]
            if let language, !language.isEmpty { object["language"] = .string(language) }
            return object
        case .link(let url): return isOpenable(url) ? ["type": "text_link", "url": .string(url)] : nil
        case .quote: return ["type": "blockquote"]
        }
    }

    private static func isOpenable(_ url: String) -> Bool {
        ["https://", "http://", "tg://", "mailto:", "tel:"].contains { url.lowercased().hasPrefix($0) }
            && !url.contains(where: \.isWhitespace)
    }

    private static func rest(of whole: Range<Int>, without holes: [Range<Int>]) -> [Range<Int>] {
        var pieces = [whole]
        for hole in holes {
            pieces = pieces.flatMap { piece -> [Range<Int>] in
                guard piece.overlaps(hole) else { return [piece] }
                var left: [Range<Int>] = []
                if piece.lowerBound < hole.lowerBound { left.append(piece.lowerBound..<hole.lowerBound) }
                if hole.upperBound < piece.upperBound { left.append(hole.upperBound..<piece.upperBound) }
                return left
            }
        }
        return pieces
    }
}

extension FormattedText.Span {
    fileprivate var isCode: Bool {
        switch style {
        case .code, .pre: return true
        default: return false
        }
    }
}

/// A text in which some is taken out and some put in, and where the rest stands afterwards.
private struct TextEdit {
    private let units: [UInt16]
    private var isRemoved: [Bool]
    private var inserted: [Int: [UInt16]] = [:]

    init(_ units: [UInt16]) {
        self.units = units
        isRemoved = Array(repeating: false, count: units.count)
    }

    var count: Int { isRemoved.count { !$0 } + inserted.values.reduce(0) { $0 + $1.count } }

    mutating func removeMarks(in span: FormattedText.Span) {
        var isLineStart = true
        for index in span.start..<span.end {
            if isLineStart, units[index] == 0x3E, !isRemoved[index] {
                isRemoved[index] = true
                if index + 1 < span.end, units[index + 1] == 0x20 { isRemoved[index + 1] = true }
            }
            isLineStart = units[index] == 0x0A
        }
    }

    mutating func insert(_ words: String, at index: Int) { inserted[index, default: []] += Array(words.utf16) }

    var text: String {
        var result: [UInt16] = []
        for index in 0...units.count {
            result += inserted[index] ?? []
            if index < units.count, !isRemoved[index] { result.append(units[index]) }
        }
        return String(decoding: result, as: UTF16.self)
    }

    /// Where a span stands in ``text``; what was put in at its end is not of it.
    func place(_ span: FormattedText.Span) -> Range<Int> {
        let before = position(span.start) + (inserted[span.start]?.count ?? 0)
        return before..<max(before, position(span.end))
    }

    private func position(_ index: Int) -> Int {
        var position = 0
        for before in 0..<index {
            if !isRemoved[before] { position += 1 }
            position += inserted[before]?.count ?? 0
        }
        return position
    }
}
