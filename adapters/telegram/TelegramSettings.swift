import AdapterKit

/// What a person configures.
struct TelegramSettings: Sendable {
    static let standardBase = "https://api.telegram.org"

    static let shape = [
        Setting("token", .secret, "the bot's token from BotFather, as env:NAME or file:PATH", isRequired: true),
        Setting(
            "api_base", .text, "the Bot API server, without a slash at its end", standard: .string(standardBase)),
    ]

    let token: String
    let base: String

    init(_ settings: JSONValue, secrets: SecretResolver, section: String) throws(AdapterFailure) {
        guard let reference = settings["token"]?.stringValue else {
            throw Self.problem("token", "missing", "there is no token", "ask BotFather for one and write env:NAME here")
        }
        let secret: String
        do throws(HomeError) {
            secret = try secrets.resolve(reference, key: "\(section).token")
        } catch {
            throw Self.problem("token", "secret", error.message, "put the token where the reference leads")
        }
        guard Self.isToken(secret) else {
            throw Self.problem(
                "token", "token", "this is not the form of a bot's token",
                "copy it whole from BotFather: DIGITS:LETTERS")
        }
        let base = settings["api_base"]?.stringValue ?? Self.standardBase
        guard base.hasPrefix("https://") || base.hasPrefix("http://"), !base.hasSuffix("/") else {
            throw Self.problem(
                "api_base", "url", "this is not a server's address", "write https://HOST without a slash at its end")
        }
        token = secret
        self.base = base
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
