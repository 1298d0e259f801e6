public import JSON

/// Something in an adapter's settings that a person must mend.
public struct AdapterProblem: Hashable, Sendable, CustomStringConvertible {
    /// The place in the adapter's settings: `listen`, `routes.ci.secret`; empty for the whole.
    public var path: String
    /// Short and bounded: `unknown-key`, `wrong-type`, `missing`, `port-taken`, `secret`, …
    public var code: String
    public var message: String
    /// What to do, in one sentence.
    public var mend: String

    public init(path: String, code: String, message: String, mend: String) {
        self.path = path
        self.code = code
        self.message = message
        self.mend = mend
    }

    public var description: String {
        (path.isEmpty ? "" : "\(path): ") + message + (mend.isEmpty ? "" : "; \(mend)")
    }

    public var json: JSONValue {
        ["path": .string(path), "code": .string(code), "message": .string(message), "mend": .string(mend)]
    }
}

/// Why an adapter cannot work until a person mends something. `switchboard status` shows it.
public struct AdapterFailure: Error, Hashable, Sendable, CustomStringConvertible {
    public var problems: [AdapterProblem]

    public init(_ problems: [AdapterProblem]) { self.problems = problems }
    public init(_ problem: AdapterProblem) { self.init([problem]) }

    public var description: String { problems.map(\.description).joined(separator: "; ") }
}
