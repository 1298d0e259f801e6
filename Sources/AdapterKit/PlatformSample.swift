public import JSON
public import OperatingHome

/// Something that the platform could have sent, for trying an adapter out: `switchboard send --route`.
public struct PlatformSample: Hashable, Sendable {
    /// Where it comes in, by the adapter's own name for that.
    public var route: String
    public var body: [UInt8]
    /// Whether it is signed as the platform would, with the secret of the settings.
    public var isSigned: Bool

    /// Longest body, in bytes.
    public static let limit = 4 << 20

    public init(route: String, body: [UInt8], isSigned: Bool) {
        self.route = route
        self.body = body
        self.isSigned = isSigned
    }
}

/// What the running adapter answered to a sample.
public struct SampleAnswer: Hashable, Sendable {
    public var isTaken: Bool
    /// What it said, for a person.
    public var text: String
    /// The same for programs.
    public var detail: JSONValue

    public init(isTaken: Bool, text: String, detail: JSONValue) {
        self.isTaken = isTaken
        self.text = text
        self.detail = detail
    }

    var json: JSONValue {
        ["ok": .bool(isTaken), "text": .string(text), "answer": detail]
    }
}

extension Adapter {
    public static func deliver(
        _ sample: PlatformSample, settings: JSONValue, places: Places, secrets: SecretResolver
    ) async throws(AdapterFailure) -> SampleAnswer {
        throw AdapterFailure(
            AdapterProblem(
                path: "", code: "not-supported", message: "\(description.kind) takes no samples",
                mend: "write to it on its platform"))
    }
}
