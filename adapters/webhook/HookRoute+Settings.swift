import AdapterKit
import HTTPTypes

extension HookRoute {
    static let shape =
        [
            Setting(
                "secret", .oneOrMore(.secret),
                "the token that callers show or the key they sign with; several for a change"),
            Setting(
                "scheme", .text,
                "how callers prove themselves: " + HookScheme.allCases.map(\.rawValue).joined(separator: ", "),
                standard: "bearer"),
            Setting("path", .text, "an address of its own beside /hooks/NAME, such as /github"),
            Setting("chat", .text, "the chat its messages belong to; the route's name by default"),
            Setting(
                "tolerance", .integer(1...86_400), "seconds that a signed time may be off",
                standard: .integer(HookProof.standardTolerance)),
            Setting(
                "max_bytes", .integer(1...Int64(HookBody.limit)), "longest body, in bytes",
                standard: .integer(Int64(HookBody.limit))),
            Setting("content_types", .list(.text), "the media types it takes, such as application/json"),
            Setting("budget", .integer(1...1_000_000), "requests taken within a minute; the rest is answered 503"),
            Setting("quiet", .boolean, "whether pings, labels and their like are told too", standard: false),
            Setting("header", .text, "hmac, grafana: the header with the signature; mtls: with the certificate's name"),
            Setting("prefix", .text, "hmac, grafana: what stands before the signature, such as sha256="),
            Setting("algorithm", .text, "hmac, grafana: sha256 or sha512", standard: "sha256"),
            Setting("encoding", .text, "hmac, grafana: hex or base64", standard: "hex"),
            Setting(
                "timestamp_header", .text, "hmac, grafana: a header with seconds; then TIME:BODY is what is signed"),
            Setting(
                "certificates", .list(.text),
                "mtls: the clients' certificates as the proxy names them: a fingerprint or a subject"),
        ] + HookRule.shape + HookCallback.shape

    /// - Parameter problems: gets all that is wrong with the entry.
    init?(
        _ member: JSONObject.Member, secrets: SecretResolver, section: String, problems: inout [AdapterProblem]
    ) {
        let path = "routes.\(member.key)"
        let settings = member.value
        let mend = "use 1 to 64 of letters, digits, dot, underscore and hyphen"
        guard let name = HookName(member.key) else {
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
        let count = problems.count
        let reader = SettingReader(settings: settings, path: path, section: section, secrets: secrets)
        let values = reader.secrets("secret", problems: &problems)
        let form = Self.form(settings, scheme, path: path, problems: &problems)
        guard problems.count == count else { return nil }
        let proof = Self.proof(scheme, form, values, reader, problems: &problems)
        self.init(
            name: name, scheme: scheme, proof: proof, bearers: scheme == .bearer ? values : [],
            limit: settings["max_bytes"]?.integerValue.map { Int($0) } ?? HookBody.limit,
            tellsQuiet: settings["quiet"]?.boolValue ?? false)
        if let text = settings["chat"]?.stringValue {
            if let chat = HookName(text) {
                self.chat = chat
            } else {
                problems.append(
                    AdapterProblem(path: "\(path).chat", code: "name", message: "this is no chat's name", mend: mend))
            }
        }
        self.path = Self.path(settings["path"]?.stringValue, at: "\(path).path", problems: &problems)
        if let types = settings["content_types"]?.arrayValue {
            self.types = Set(types.compactMap { $0.stringValue?.lowercased() })
        }
        budget = settings["budget"]?.integerValue
        rule = HookRule(settings, path: path, problems: &problems)
        callback = HookCallback(reader, problems: &problems)
        guard problems.count == count else { return nil }
    }

    private static func path(_ text: String?, at place: String, problems: inout [AdapterProblem]) -> String? {
        guard let text else { return nil }
        let parts = text.split(separator: "/", omittingEmptySubsequences: false)
        let isTaken = ["healthz", "hooks"].contains(parts.dropFirst().first ?? "")
        if text.hasPrefix("/"), (2...8).contains(parts.count), parts.dropFirst().allSatisfy({ HookName($0) != nil }),
            !isTaken
        {
            return text
        }
        problems.append(
            AdapterProblem(
                path: place, code: "path", message: isTaken ? "this path has a meaning already" : "this is no path",
                mend: "write it as /github or /teams/ops: letters, digits, dot, underscore and hyphen"))
        return nil
    }

    private static func proof(
        _ scheme: HookScheme, _ form: MACForm?, _ secrets: [String], _ reader: SettingReader,
        problems: inout [AdapterProblem]
    ) -> HookProof? {
        let key = scheme == .mtls ? "certificates" : "secret"
        let place = "\(reader.path).\(key)"
        if scheme == .mtls ? reader.settings["secret"] != nil : reader.settings["certificates"] != nil {
            problems.append(
                AdapterProblem(
                    path: reader.path, code: "form",
                    message: scheme == .mtls
                        ? "the scheme mtls has certificates and no secret" : "certificates are for the scheme mtls",
                    mend: "remove the key, or change the scheme"))
        }
        guard scheme != .bearer else { return nil }
        let certificates = (reader.settings["certificates"]?.arrayValue ?? []).compactMap(\.stringValue)
        let keys = scheme == .mtls ? certificates : secrets
        guard !keys.isEmpty else {
            let message =
                scheme == .mtls ? "the scheme mtls needs certificates" : "the scheme \(scheme.rawValue) needs a secret"
            let mend =
                scheme == .mtls
                ? "list what the proxy writes into the header for each client" : "give it one (env:NAME or file:PATH)"
            problems.append(AdapterProblem(path: place, code: "secret", message: message, mend: mend))
            return nil
        }
        let tolerance = reader.settings["tolerance"]?.integerValue ?? HookProof.standardTolerance
        do throws(HookProof.UnfitSecret) {
            return try HookProof(scheme: scheme, form: form, secrets: keys, tolerance: tolerance)
        } catch {
            problems.append(
                AdapterProblem(
                    path: place, code: "secret", message: error.message,
                    mend: "copy it anew from where \(scheme.rawValue) shows it"))
            return nil
        }
    }

    private static func form(
        _ settings: JSONValue, _ scheme: HookScheme, path: String, problems: inout [AdapterProblem]
    ) -> MACForm? {
        let keys = ["header", "prefix", "algorithm", "encoding", "timestamp_header"]
        func problem(_ key: String, _ message: String, _ mend: String) {
            problems.append(AdapterProblem(path: "\(path).\(key)", code: "form", message: message, mend: mend))
        }
        let own = scheme == .mtls ? ["header"] : scheme.takesForm ? keys : []
        if let key = keys.first(where: { settings[$0] != nil && !own.contains($0) }) {
            problem(key, "the scheme \(scheme.rawValue) has this of its own", "remove it, or use the scheme hmac")
        }
        guard var form = scheme.form else { return nil }
        for key in ["header", "timestamp_header"] {
            guard let text = settings[key]?.stringValue else { continue }
            guard HTTPField.Name(text) != nil else {
                problem(key, "this cannot be the name of a header", "write it as the sender does, such as X-Signature")
                continue
            }
            if key == "header" { form.header = text } else { form.timestampHeader = text }
        }
        form.prefix = settings["prefix"]?.stringValue ?? form.prefix
        if let text = settings["algorithm"]?.stringValue {
            if let algorithm = MACForm.Algorithm(rawValue: text) {
                form.algorithm = algorithm
            } else {
                problem("algorithm", "there is no algorithm \(text.prefix(32))", "use sha256 or sha512")
            }
        }
        if let text = settings["encoding"]?.stringValue {
            if let encoding = MACForm.Encoding(rawValue: text) {
                form.encoding = encoding
            } else {
                problem("encoding", "there is no encoding \(text.prefix(32))", "use hex or base64")
            }
        }
        return form
    }
}

/// The settings of one route, and how to resolve what they refer to.
struct SettingReader {
    let settings: JSONValue
    /// Where they stand, such as `routes.ci`.
    let path: String
    /// The name under `adapters`.
    let section: String
    let secrets: SecretResolver

    /// What one key or list of references stands for; what cannot be resolved is a problem.
    func secrets(_ key: String, problems: inout [AdapterProblem]) -> [String] {
        let references: [JSONValue] =
            switch settings[key] {
            case .array(let several): several
            case .some(let one): [one]
            case nil: []
            }
        var values: [String] = []
        for case .string(let reference) in references {
            do throws(HomeError) {
                values.append(try secrets.resolve(reference, key: "adapters.\(section).\(path).\(key)"))
            } catch {
                problems.append(
                    AdapterProblem(path: "\(path).\(key)", code: "secret", message: error.message, mend: ""))
            }
        }
        return values
    }
}
