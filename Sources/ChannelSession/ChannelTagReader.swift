/// Finds the channel events that a prompt carries: what Claude Code hands to the `UserPromptSubmit` hook is the whole
/// `<channel …>` text (seen with 2.1.330).
///
/// A tag counts only where Claude Code puts one: at the start of the prompt, or after the closing tag of another. One
/// inside a message's content is text, whatever it looks like; Claude Code escapes the closing tag there, so the first
/// one ends the content.
enum ChannelTagReader {
    /// The `event_id` of each tag, in order; empty when a person typed the prompt.
    static func events(in prompt: String) -> [String] {
        var prompt = prompt
        return prompt.withUTF8 { text in
            var events: [String] = []
            var position = skipSpace(text, 0)
            while let (event, content) = tag(text, position) {
                if let event { events.append(event) }
                guard let end = find(closing, text, content) else { break }
                position = skipSpace(text, end + closing.count)
            }
            return events
        }
    }

    private static let opening = Array("<channel".utf8)
    private static let closing = Array("</channel>".utf8)

    /// Reads an opening tag; `nil` when there is none at that place.
    private static func tag(_ text: UnsafeBufferPointer<UInt8>, _ start: Int) -> (event: String?, content: Int)? {
        guard starts(opening, text, start) else { return nil }
        var event: String?
        var index = start + opening.count
        while true {
            let attribute = skipSpace(text, index)
            guard attribute < text.count else { return nil }
            if text[attribute] == UInt8(ascii: ">") { return (event, attribute + 1) }
            guard attribute > index, let equals = find([UInt8(ascii: "=")], text, attribute),
                equals + 1 < text.count, text[equals + 1] == UInt8(ascii: "\""),
                let end = find([UInt8(ascii: "\"")], text, equals + 2)
            else { return nil }
            if text[attribute..<equals].elementsEqual("event_id".utf8) { event = plain(text[(equals + 2)..<end]) }
            index = end + 1
        }
    }

    /// A value without the escapes that Claude Code gives it.
    private static func plain(_ value: Slice<UnsafeBufferPointer<UInt8>>) -> String {
        let text = String(decoding: value, as: UTF8.self)
        guard text.utf8.contains(UInt8(ascii: "&")) else { return text }
        var plain = ""
        var rest = Substring(text)
        while let start = rest.firstIndex(of: "&") {
            plain += rest[..<start]
            rest = rest[start...]
            let escape = escapes.first { rest.hasPrefix($0.text) }
            plain += escape?.meaning ?? "&"
            rest = rest.dropFirst(escape?.text.count ?? 1)
        }
        return plain + rest
    }

    private static let escapes = [
        (text: "&quot;", meaning: "\""), (text: "&lt;", meaning: "<"), (text: "&gt;", meaning: ">"),
        (text: "&#39;", meaning: "'"), (text: "&apos;", meaning: "'"), (text: "&amp;", meaning: "&"),
    ]

    private static func skipSpace(_ text: UnsafeBufferPointer<UInt8>, _ start: Int) -> Int {
        var index = start
        while index < text.count, text[index] <= 0x20 { index += 1 }
        return index
    }

    private static func starts(_ wanted: [UInt8], _ text: UnsafeBufferPointer<UInt8>, _ start: Int) -> Bool {
        text.count - start >= wanted.count && text[start..<(start + wanted.count)].elementsEqual(wanted)
    }

    private static func find(_ wanted: [UInt8], _ text: UnsafeBufferPointer<UInt8>, _ start: Int) -> Int? {
        var index = start
        while index + wanted.count <= text.count {
            if text[index] == wanted[0], starts(wanted, text, index) { return index }
            index += 1
        }
        return nil
    }
}
