extension FormattedText {
    /// Cuts the text into parts of at most so many UTF-16 units. Nothing is lost: the parts' texts, one after the
    /// other, are the text. A span that is cut goes on in the next part, so a fence is closed and opened again.
    /// - Parameters:
    ///   - limit: of one part; less than 2 counts as 2, which the largest scalar needs.
    ///   - most: spans of one part. Where more than that lie over one place, the inner ones are left out.
    public func split(limit: Int, spans most: Int = .max) -> [FormattedText] {
        let limit = max(limit, 2)
        let units = Array(text.utf16)
        guard units.count > limit || spans.count > most else { return [self] }
        let borders = Borders(of: self, units)
        var starts = [0]
        while let start = starts.last {
            let room = min(limit, self.room(from: start, spans: most))
            guard units.count - start > room else { break }
            starts.append(borders.cut(from: start, limit: room))
        }
        let ends = starts.dropFirst() + [units.count]
        var parts = zip(starts, ends).map { FormattedText(text: String(decoding: units[$0..<$1], as: UTF16.self)) }
        // The spans are sorted, so those of each part stay so; the first part of a span is never before the last one's.
        var first = 0
        for span in spans {
            while first + 1 < starts.count, starts[first + 1] <= span.start { first += 1 }
            for part in first..<starts.count where starts[part] < span.end {
                let start = max(span.start, starts[part])
                let end = min(span.end, part + 1 < starts.count ? starts[part + 1] : units.count)
                guard end > start else { continue }
                guard parts[part].spans.count < most else { continue }
                parts[part].spans.append(Span(span.style, start: start - starts[part], length: end - start))
            }
        }
        return parts
    }

    /// Units from a place on until one more span would begin than a part may have; all where that cannot be helped.
    private func room(from start: Int, spans most: Int) -> Int {
        guard most < spans.count else { return .max }
        var count = 0
        for span in spans where span.end > start {
            count += 1
            guard count > most else { continue }
            return span.start - start >= 2 ? span.start - start : .max
        }
        return .max
    }

    /// Where a text may be cut, from the best place to the one that always exists.
    private struct Borders {
        private let units: [UInt16]
        /// Whether a character (grapheme cluster) begins here.
        private var beginsCharacter: [Bool]
        private var isCode: [Bool]

        init(of whole: FormattedText, _ units: [UInt16]) {
            self.units = units
            beginsCharacter = Array(repeating: false, count: units.count + 1)
            var offset = 0
            for character in whole.text {
                beginsCharacter[offset] = true
                offset += character.utf16.count
            }
            isCode = Array(repeating: false, count: units.count + 1)
            for span in whole.spans {
                guard case .pre = span.style else { continue }
                for index in span.start..<span.end { isCode[index] = true }
            }
        }

        /// The first unit of the next part. A place in the first quarter is not taken: the parts would be many and small.
        func cut(from start: Int, limit: Int) -> Int {
            let last = start + limit
            let early = start + max(limit / 4, 1)
            var line: Int?
            var sentence: Int?
            var word: Int?
            var character: Int?
            var index = last
            while index > start {
                defer { index -= 1 }
                guard beginsCharacter[index] else { continue }
                if character == nil { character = index }
                guard index >= early else { break }
                switch units[index - 1] {
                case 0x0A:
                    if index - 2 >= start, units[index - 2] == 0x0A, !isCode[index - 1] { return index }
                    if line == nil { line = index }
                case 0x20:
                    if word == nil { word = index }
                    let before = index - 2 >= start ? units[index - 2] : 0
                    if sentence == nil, [0x2E, 0x21, 0x3F].contains(before), !isCode[index - 1] { sentence = index }
                default: break
                }
            }
            if let best = line ?? sentence ?? word ?? character { return best }
            // One character longer than a part: between its scalars.
            return UTF16.isTrailSurrogate(units[last]) ? last - 1 : last
        }
    }
}
