import AdapterKit

/// Where something stands in a JSON value: `$.alerts[0].labels["app.name"]`; the `$.` may be left out.
struct JSONPath: Hashable, Sendable {
    enum Step: Hashable, Sendable {
        case key(String)
        case index(Int)
    }

    /// Longest path, in steps and in bytes.
    static let stepLimit = 32
    static let byteLimit = 512

    let steps: [Step]

    /// - Returns: `nil` for what is no path.
    init?(_ text: String) {
        guard text.utf8.count <= Self.byteLimit else { return nil }
        var rest = Array(text.unicodeScalars)[...]
        if rest.first == "$" {
            rest.removeFirst()
            if rest.first == ".", rest.count > 1 {
                rest.removeFirst()
            } else if let next = rest.first, next != "[" {
                return nil
            }
        }
        var steps: [Step] = []
        // A name may stand only at the beginning or behind a dot.
        var wantsName = rest.first.map { $0 != "[" } ?? false
        while !rest.isEmpty || wantsName {
            guard steps.count < Self.stepLimit else { return nil }
            if wantsName {
                let name = rest.prefix { $0 != "." && $0 != "[" }
                guard !name.isEmpty, !name.contains("]"), !name.contains("\"") else { return nil }
                steps.append(.key(String(String.UnicodeScalarView(name))))
                rest = rest.dropFirst(name.count)
                wantsName = false
            } else if rest.first == "." {
                rest.removeFirst()
                wantsName = true
            } else {
                guard rest.popFirst() == "[", let step = Self.bracket(&rest) else { return nil }
                steps.append(step)
            }
        }
        self.steps = steps
    }

    /// What stands between `[` and `]`: a number, or a name in double quotes without a quote in it.
    private static func bracket(_ rest: inout ArraySlice<Unicode.Scalar>) -> Step? {
        if rest.first == "\"" {
            rest.removeFirst()
            let name = rest.prefix { $0 != "\"" }
            rest = rest.dropFirst(name.count)
            guard rest.popFirst() == "\"", rest.popFirst() == "]" else { return nil }
            return .key(String(String.UnicodeScalarView(name)))
        }
        let digits = rest.prefix { ("0"..."9").contains($0) }
        rest = rest.dropFirst(digits.count)
        guard rest.popFirst() == "]", digits.count <= 9, let index = Int(String(String.UnicodeScalarView(digits)))
        else { return nil }
        return .index(index)
    }

    func value(in json: JSONValue) -> JSONValue? { Self.value(in: json, steps[...]) }

    /// By recursion: the optimiser of Swift 6.3.1 crashes on a loop over an optional value that chains its subscript.
    private static func value(in json: JSONValue, _ steps: ArraySlice<Step>) -> JSONValue? {
        guard let step = steps.first else { return json }
        let next: JSONValue?
        switch step {
        case .key(let key): next = json[key]
        case .index(let index):
            guard let values = json.arrayValue, index < values.count else { return nil }
            next = values[index]
        }
        guard let next else { return nil }
        return value(in: next, steps.dropFirst())
    }

    /// What stands there as text, for comparing and naming: a text, a number's digits, `true` or `false`.
    func word(in json: JSONValue) -> String? {
        switch value(in: json) {
        case .string(let text): text
        case .integer(let number): String(number)
        case .number(let number): "\(number)"
        case .bool(let flag): flag ? "true" : "false"
        default: nil
        }
    }
}
