import AdapterKit
import HTTPTypes

/// One entry of `routes`, with its secrets resolved.
struct HookRoute: Sendable {
    static let shape = [
        Setting(
            "secret", .oneOrMore(.secret), "the token that callers show or the key they sign with; several for a change"
        ),
        Setting(
            "scheme", .text,
            "how callers prove themselves: " + HookScheme.allCases.map(\.rawValue).joined(separator: ", "),
            standard: "bearer"),
        Setting(
            "tolerance", .integer(1...86_400), "seconds that a signed time may be off",
            standard: .integer(HookProof.standardTolerance)),
        Setting(
            "max_bytes", .integer(1...Int64(HookBody.limit)), "longest body, in bytes",
            standard: .integer(Int64(HookBody.limit))),
        Setting("quiet", .boolean, "whether pings, labels and their like are told too", standard: false),
        Setting("header", .text, "hmac, grafana: the header with the signature"),
        Setting("prefix", .text, "hmac, grafana: what stands before the signature, such as sha256="),
        Setting("algorithm", .text, "hmac, grafana: sha256 or sha512", standard: "sha256"),
        Setting("encoding", .text, "hmac, grafana: hex or base64", standard: "hex"),
        Setting("timestamp_header", .text, "hmac, grafana: a header with seconds; then TIME:BODY is what is signed"),
    ]

    let name: HookName
    let scheme: HookScheme
    /// Tokens for `Authorization: Bearer`; empty when the route signs.
    let bearers: [String]
    /// `nil` for bearer routes.
    let proof: HookProof?
    let limit: Int
    let tellsQuiet: Bool

    init(name: HookName, scheme: HookScheme, proof: HookProof?, bearers: [String] = [], limit: Int, tellsQuiet: Bool) {
        self.name = name
        self.scheme = scheme
        self.proof = proof
        self.bearers = bearers
        self.limit = limit
        self.tellsQuiet = tellsQuiet
    }

    /// - Parameter problems: gets all that is wrong with the entry.
    init?(
        _ member: JSONObject.Member, secrets: SecretResolver, section: String, problems: inout [AdapterProblem]
    ) {
        let path = "routes.\(member.key)"
        let settings = member.value
        guard let name = HookName(member.key) else {
            let mend = "use 1 to 64 of letters, digits, dot, underscore and hyphen"
            problems.append(
                AdapterProblem(path: path, code: "name", message: "this cannot be the name of a hook", mend: mend))
            return nil
        }
        let named = settings["scheme"]?.stringValue ?? HookScheme.bearer.rawValue
        guard let scheme = HookScheme(rawValue: named) else {
            let mend = "use one of " + HookScheme.allCases.map(\.rawValue).joined(separator: ", ")
            problems.append(
                AdapterProblem(
                    path: "\(path).scheme", code: "not-supported", message: "there is no scheme \(named.prefix(32))",
                    mend: mend))
            return nil
        }
        guard let values = Self.secrets(settings, secrets, section: section, path: path, problems: &problems) else {
            return nil
        }
        guard let form = Self.form(settings, scheme, path: path, problems: &problems) else { return nil }
        var proof: HookProof?
        if scheme != .bearer {
            guard !values.isEmpty else {
                problems.append(
                    AdapterProblem(
                        path: "\(path).secret", code: "secret", message: "the scheme \(named) needs a secret",
                        mend: "give it one (env:NAME or file:PATH)"))
                return nil
            }
            let tolerance = settings["tolerance"]?.integerValue ?? HookProof.standardTolerance
            do throws(HookProof.UnfitSecret) {
                proof = try HookProof(scheme: scheme, form: form.value, secrets: values, tolerance: tolerance)
            } catch {
                problems.append(
                    AdapterProblem(
                        path: "\(path).secret", code: "secret", message: error.message,
                        mend: "copy it anew from where \(named) shows it"))
                return nil
            }
        }
        self.init(
            name: name, scheme: scheme, proof: proof, bearers: scheme == .bearer ? values : [],
            limit: settings["max_bytes"]?.integerValue.map { Int($0) } ?? HookBody.limit,
            tellsQuiet: settings["quiet"]?.boolValue ?? false)
    }

    private static func secrets(
        _ settings: JSONValue, _ resolver: SecretResolver, section: String, path: String,
        problems: inout [AdapterProblem]
    ) -> [String]? {
        let references: [JSONValue] =
            switch settings["secret"] {
            case .array(let several): several
            case .some(let one): [one]
            case nil: []
            }
        var values: [String] = []
        var isWhole = true
        for case .string(let reference) in references {
            do throws(HomeError) {
                values.append(try resolver.resolve(reference, key: "adapters.\(section).\(path).secret"))
            } catch {
                isWhole = false
                problems.append(
                    AdapterProblem(path: "\(path).secret", code: "secret", message: error.message, mend: ""))
            }
        }
        return isWhole ? values : nil
    }

    /// - Returns: `nil` after a problem.
    private static func form(
        _ settings: JSONValue, _ scheme: HookScheme, path: String, problems: inout [AdapterProblem]
    ) -> (value: MACForm?, Void)? {
        let keys = ["header", "prefix", "algorithm", "encoding", "timestamp_header"]
        func problem(_ key: String, _ message: String, _ mend: String) {
            problems.append(AdapterProblem(path: "\(path).\(key)", code: "form", message: message, mend: mend))
        }
        guard scheme.takesForm, var form = scheme.form else {
            guard let key = keys.first(where: { settings[$0] != nil }) else { return (scheme.form, ()) }
            problem(key, "the scheme \(scheme.rawValue) has this of its own", "remove it, or use the scheme hmac")
            return nil
        }
        for key in ["header", "timestamp_header"] {
            guard let text = settings[key]?.stringValue else { continue }
            guard HTTPField.Name(text) != nil else {
                problem(key, "this cannot be the name of a header", "write it as the sender does, such as X-Signature")
                return nil
            }
            if key == "header" { form.header = text } else { form.timestampHeader = text }
        }
        form.prefix = settings["prefix"]?.stringValue ?? form.prefix
        if let text = settings["algorithm"]?.stringValue {
            guard let algorithm = MACForm.Algorithm(rawValue: text) else {
                problem("algorithm", "there is no algorithm \(text.prefix(32))", "use sha256 or sha512")
                return nil
            }
            form.algorithm = algorithm
        }
        if let text = settings["encoding"]?.stringValue {
            guard let encoding = MACForm.Encoding(rawValue: text) else {
                problem("encoding", "there is no encoding \(text.prefix(32))", "use hex or base64")
                return nil
            }
            form.encoding = encoding
        }
        return (form, ())
    }
}
