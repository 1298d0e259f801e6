import AdapterKit

/// What a person configures.
struct TelegramSettings: Sendable {
    static let standardBase = "https://api.telegram.org"

    static let shape = [
        Setting("token", .secret, "the bot's token from BotFather, as env:NAME or file:PATH", isRequired: true),
        Setting(
            "api_base", .text, "the Bot API server, without a slash at its end", standard: .string(standardBase)),
        Setting("file_base", .text, "where its files are; by default api_base/file"),
        Setting("proxy", .text, "an HTTP proxy on the way to the server: http://HOST:PORT"),
        Setting("proxy_secret", .secret, "USER:PASSWORD for the proxy, as env:NAME or file:PATH"),
        Setting(
            "transcribe", .list(.text),
            "a command that gets the path of a voice note and prints its text, as [whisper-note, --fast]"),
    ]

    struct Proxy: Hashable, Sendable {
        var host: String
        var port: Int
        var credentials: Credentials?

        struct Credentials: Hashable, Sendable {
            var user: String
            var password: String
        }
    }

    let token: String
    let base: String
    let fileBase: String
    let proxy: Proxy?
    /// Empty: voice notes are not made text of.
    let transcribe: [String]

    init(_ settings: JSONValue, secrets: SecretResolver, section: String) throws(AdapterFailure) {
        guard let reference = settings["token"]?.stringValue else {
            throw Self.problem("token", "missing", "there is no token", "ask BotFather for one and write env:NAME here")
        }
        token = try Self.secret(reference, "token", secrets, section)
        guard Self.isToken(token) else {
            throw Self.problem(
                "token", "token", "this is not the form of a bot's token",
                "copy it whole from BotFather: DIGITS:LETTERS")
        }
        base = try Self.address(settings["api_base"]?.stringValue ?? Self.standardBase, "api_base")
        fileBase = try Self.address(settings["file_base"]?.stringValue ?? "\(base)/file", "file_base")
        proxy = try Self.proxy(settings, secrets, section)
        transcribe = (settings["transcribe"]?.arrayValue ?? []).compactMap(\.stringValue)
    }

    private static func proxy(_ settings: JSONValue, _ secrets: SecretResolver, _ section: String)
        throws(AdapterFailure) -> Proxy?
    {
        guard let text = settings["proxy"]?.stringValue else { return nil }
        let rest = text.hasPrefix("http://") ? text.dropFirst(7) : ""
        guard let colon = rest.lastIndex(of: ":"), colon != rest.startIndex,
            let port = Int(rest[rest.index(after: colon)...]), (1...65_535).contains(port),
            !rest.contains(where: { $0 == "/" || $0 == "@" })
        else {
            throw problem(
                "proxy", "url", "this is not a proxy's address",
                "write http://HOST:PORT; a user and password belong into proxy_secret")
        }
        var proxy = Proxy(host: String(rest[..<colon]), port: port)
        if let reference = settings["proxy_secret"]?.stringValue {
            let parts = try secret(reference, "proxy_secret", secrets, section).split(
                separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
            guard parts.count == 2 else {
                throw problem("proxy_secret", "secret", "this is not USER:PASSWORD", "write both with a colon between")
            }
            proxy.credentials = .init(user: String(parts[0]), password: String(parts[1]))
        }
        return proxy
    }

    private static func secret(_ reference: String, _ key: String, _ secrets: SecretResolver, _ section: String)
        throws(AdapterFailure) -> String
    {
        do throws(HomeError) {
            return try secrets.resolve(reference, key: "\(section).\(key)")
        } catch {
            throw problem(key, "secret", error.message, "put the secret where the reference leads")
        }
    }

    private static func address(_ text: String, _ key: String) throws(AdapterFailure) -> String {
        guard text.hasPrefix("https://") || text.hasPrefix("http://"), !text.hasSuffix("/") else {
            throw problem(
                key, "url", "this is not a server's address", "write https://HOST without a slash at its end")
        }
        return text
    }

    /// Digits, a colon, and letters that may stand in a URL as they are: nothing else reaches a request's path.
    static func isToken(_ text: String) -> Bool {
        let parts = text.utf8.split(separator: UInt8(ascii: ":"), omittingEmptySubsequences: false)
        guard parts.count == 2, !parts[0].isEmpty, parts[1].count >= 8 else { return false }
        let isDigit: (UInt8) -> Bool = { (0x30...0x39).contains($0) }
        return parts[0].allSatisfy(isDigit)
            && parts[1].allSatisfy {
                isDigit($0) || (0x41...0x5A).contains($0) || (0x61...0x7A).contains($0) || $0 == UInt8(ascii: "-")
                    || $0 == UInt8(ascii: "_")
            }
    }

    private static func problem(_ path: String, _ code: String, _ message: String, _ mend: String) -> AdapterFailure {
        AdapterFailure(AdapterProblem(path: path, code: code, message: message, mend: mend))
    }
}
