public import JSON

/// A tool that a server offers, with the small part of JSON Schema that its arguments need.
public struct Tool: Hashable, Sendable {
    /// 1 to 64 of `A-Za-z0-9_-`.
    public var name: String
    public var title: String
    /// What the model reads. Clients cut it at 2 KB.
    public var description: String
    public var parameters: [Parameter]
    public var annotations: Annotations
    /// Vendor keys of the listing.
    public var meta: JSONObject

    public init(
        name: String, title: String, description: String, parameters: [Parameter] = [], annotations: Annotations,
        meta: JSONObject = [:]
    ) {
        self.name = name
        self.title = title
        self.description = description
        self.parameters = parameters
        self.annotations = annotations
        self.meta = meta
    }

    public struct Parameter: Hashable, Sendable {
        public enum Kind: Hashable, Sendable {
            /// A text of so many Unicode scalars, which is how JSON Schema counts.
            case string(ClosedRange<Int>)
            case integer(ClosedRange<Int64>)
            /// So many texts, each of so many scalars.
            case list(ClosedRange<Int>, each: ClosedRange<Int>)
        }

        public var name: String
        public var kind: Kind
        public var isRequired: Bool
        public var description: String

        public init(_ name: String, _ kind: Kind, required: Bool = false, _ description: String) {
            self.name = name
            self.kind = kind
            self.isRequired = required
            self.description = description
        }
    }

    /// Hints to the client; all four are always written, because the defaults are not the harmless ones.
    public struct Annotations: Hashable, Sendable {
        public var isReadOnly: Bool
        public var isDestructive: Bool
        public var isIdempotent: Bool
        public var isOpenWorld: Bool

        public init(readOnly: Bool, destructive: Bool = false, idempotent: Bool, openWorld: Bool) {
            isReadOnly = readOnly
            isDestructive = destructive
            isIdempotent = idempotent
            isOpenWorld = openWorld
        }
    }
}

extension Tool {
    func write(to writer: inout JSONWriter) {
        writer.beginObject()
        writer.member("name", name)
        writer.member("title", title)
        writer.member("description", description)
        writer.key("inputSchema")
        writer.value(inputSchema)
        writer.member(
            "annotations",
            [
                "title": .string(title), "readOnlyHint": .bool(annotations.isReadOnly),
                "destructiveHint": .bool(annotations.isDestructive),
                "idempotentHint": .bool(annotations.isIdempotent), "openWorldHint": .bool(annotations.isOpenWorld),
            ] as JSONValue)
        if !meta.isEmpty { writer.member("_meta", .object(meta)) }
        writer.endObject()
    }

    /// JSON Schema 2020-12 of the arguments.
    public var inputSchema: JSONValue {
        var schema: JSONObject = ["type": "object"]
        if !parameters.isEmpty {
            schema["properties"] = .object(JSONObject(parameters.map { .init(key: $0.name, value: $0.schema) }))
        }
        let required = parameters.filter(\.isRequired)
        if !required.isEmpty { schema["required"] = .array(required.map { .string($0.name) }) }
        schema["additionalProperties"] = false
        return .object(schema)
    }

    /// The arguments as the schema wants them: an absent one left out, a whole number as an integer.
    /// - Throws: ``ArgumentError`` with a sentence that tells the model what to do.
    public func validate(_ arguments: JSONObject) throws(ArgumentError) -> JSONObject {
        var valid: JSONObject = [:]
        for parameter in parameters {
            // A model that has nothing to say about an optional argument often says null.
            guard let given = arguments[parameter.name], given != .null else {
                guard !parameter.isRequired else {
                    throw ArgumentError("\(parameter.name) is missing: \(parameter.description)")
                }
                continue
            }
            valid[parameter.name] = try parameter.validate(given)
        }
        let known = parameters.map(\.name)
        if let stranger = arguments.first(where: { !known.contains($0.key) }) {
            let name = String(stranger.key.prefix(64))
            let list = known.isEmpty ? "no arguments" : "only " + known.joined(separator: ", ")
            throw ArgumentError("\(self.name) takes \(list); there is no argument \(JSONValue.string(name).text)")
        }
        return valid
    }
}

/// Why arguments do not fit, in a sentence that helps to mend them.
public struct ArgumentError: Error, Hashable, Sendable, CustomStringConvertible {
    public let description: String
    init(_ description: String) { self.description = description }
}

extension Tool.Parameter {
    var schema: JSONValue {
        switch kind {
        case .string(let length):
            var schema: JSONObject = ["type": "string", "description": .string(description)]
            if length.lowerBound > 0 { schema["minLength"] = .integer(Int64(length.lowerBound)) }
            schema["maxLength"] = .integer(Int64(length.upperBound))
            return .object(schema)
        case .integer(let range):
            return [
                "type": "integer", "description": .string(description), "minimum": .integer(range.lowerBound),
                "maximum": .integer(range.upperBound),
            ]
        case .list(let count, let length):
            return [
                "type": "array", "description": .string(description), "minItems": .integer(Int64(count.lowerBound)),
                "maxItems": .integer(Int64(count.upperBound)),
                "items": [
                    "type": "string", "minLength": .integer(Int64(length.lowerBound)),
                    "maxLength": .integer(Int64(length.upperBound)),
                ],
            ]
        }
    }

    func validate(_ value: JSONValue) throws(ArgumentError) -> JSONValue {
        switch kind {
        case .string(let length):
            guard case .string(let text) = value else {
                throw ArgumentError("\(name) must be a string: \(description)")
            }
            // Counting scalars walks the text; bytes bound them from above.
            guard text.utf8.count > length.upperBound || length.lowerBound > 0 else { return value }
            let count = text.unicodeScalars.count
            if count < length.lowerBound { throw ArgumentError("\(name) must not be empty: \(description)") }
            if count > length.upperBound {
                throw ArgumentError(
                    "\(name) has \(count) characters, at most \(length.upperBound) are taken; send it in parts")
            }
            return value
        case .integer(let range):
            let integer: Int64?
            switch value {
            case .integer(let given): integer = given
            case .number(let given): integer = Int64(exactly: given)
            default: integer = nil
            }
            guard let integer, range.contains(integer) else {
                throw ArgumentError(
                    "\(name) must be an integer from \(range.lowerBound) to \(range.upperBound): \(description)")
            }
            return .integer(integer)
        case .list(let count, let length):
            guard case .array(let values) = value, count.contains(values.count) else {
                throw ArgumentError(
                    "\(name) must be a list of \(count.lowerBound) to \(count.upperBound) strings: \(description)")
            }
            let element = Tool.Parameter("each of \(name)", .string(length), description)
            var valid: [JSONValue] = []
            for value in values { valid.append(try element.validate(value)) }
            return .array(valid)
        }
    }
}
