import AdapterKit

extension HookCallback {
    static let shape = [
        Setting("callback_url", .text, "where answers are posted, signed as Standard Webhooks"),
        Setting("callback_secret", .secret, "the key they are signed with: whsec_ and base64"),
        Setting(
            "callback_requests", .boolean,
            "whether a request may name its own in the header Callback-Url (bearer only)",
            standard: false),
        Setting(
            "callback_private", .boolean, "whether answers may go to this machine, private networks and plain http",
            standard: false),
    ]

    /// - Returns: `nil` when the route calls nobody back, or after a problem.
    init?(_ reader: SettingReader, problems: inout [AdapterProblem]) {
        let settings = reader.settings
        let takesRequests = settings["callback_requests"]?.boolValue ?? false
        let target = settings["callback_url"]?.stringValue
        guard target != nil || takesRequests else { return nil }
        func problem(_ key: String, _ message: String, _ mend: String) {
            problems.append(
                AdapterProblem(path: "\(reader.path).\(key)", code: "callback", message: message, mend: mend))
        }
        let count = problems.count
        if takesRequests, (settings["scheme"]?.stringValue ?? "bearer") != "bearer" {
            problem(
                "callback_requests", "what a signing sender's headers say is not signed",
                "remove it, or set callback_url")
        }
        let allowsPrivate = settings["callback_private"]?.boolValue ?? false
        var url: CallbackURL?
        if let target {
            url = CallbackURL(target)
            if url == nil {
                problem("callback_url", "this is no address that can be posted to", "write it as https://host/path")
            } else if url?.isSecure == false, !allowsPrivate {
                problem("callback_url", "answers do not go over plain http", "use https, or set callback_private")
            }
        }
        let secret = reader.secrets("callback_secret", problems: &problems).first
        let key = secret.flatMap { HookDigits.base64($0.hasPrefix("whsec_") ? $0.dropFirst(6) : $0[...]) }
        if problems.count == count, key.map({ (24...64).contains($0.count) }) != true {
            problem(
                "callback_secret", "answers are signed, and this is no key for that",
                "make one: echo \"whsec_$(openssl rand -base64 32)\"")
        }
        guard problems.count == count, let key else { return nil }
        self.init(url: url, takesRequests: takesRequests, allowsPrivate: allowsPrivate, key: key)
    }
}
