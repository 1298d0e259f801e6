/// Turns secret references into secrets: `env:NAME`, which falls back to `secrets.env`, and `file:PATH`.
///
/// Errors name the key of the configuration and the reference, never a value.
public struct SecretResolver: Sendable {
    private let places: Places
    private let environment: [String: String]

    public init(places: Places, environment: [String: String] = ProcessEnvironment.all()) {
        self.places = places
        self.environment = environment
    }

    /// Longest secret, in bytes.
    public static let limit = 65_536

    /// Whether a text has the form of a reference.
    public static func isReference(_ text: String) -> Bool {
        (text.hasPrefix("env:") && text.utf8.count > 4) || (text.hasPrefix("file:") && text.utf8.count > 5)
    }

    /// The secret a reference stands for.
    /// - Parameter key: where the configuration says it, such as `adapters.webhook.token`; for the error.
    /// - Throws: ``HomeError``: `notAReference`, `missingSecret`, `exposed` for a file that others can read.
    public func resolve(_ reference: String, key: String) throws(HomeError) -> String {
        do throws(HomeError) {
            return try value(reference)
        } catch {
            throw HomeError(error.code, "\(key): \(error.message)", path: error.path)
        }
    }

    private func value(_ reference: String) throws(HomeError) -> String {
        if reference.hasPrefix("env:") { return try variable(String(reference.dropFirst(4))) }
        if reference.hasPrefix("file:") { return try contents(String(reference.dropFirst(5))) }
        throw HomeError(
            .notAReference,
            "a secret is not written into the configuration; write env:NAME and put NAME=… into "
                + "\(places.secretsFile), or write file:PATH")
    }

    private func variable(_ name: String) throws(HomeError) -> String {
        if let value = environment[name], !value.isEmpty { return value }
        if let bytes = try SystemFile.read(places.secretsFile, limit: 1 << 20, privately: true) {
            let values = try SecretsFile.parse(bytes, path: places.secretsFile)
            if let value = values[name], !value.isEmpty { return value }
        }
        throw HomeError(
            .missingSecret, "\(name) is not set; put \(name)=… into \(places.secretsFile) (chmod 600)",
            path: places.secretsFile)
    }

    private func contents(_ name: String) throws(HomeError) -> String {
        let path = name.hasPrefix("/") ? name : places.configuration + "/" + name
        guard var bytes = try SystemFile.read(path, limit: Self.limit, privately: true) else {
            throw HomeError(.missingSecret, "there is no file \(path); make it and chmod 600 it", path: path)
        }
        while let last = bytes.last, last == 0x0A || last == 0x0D { bytes.removeLast() }
        guard !bytes.isEmpty else {
            throw HomeError(.missingSecret, "the file \(path) is empty", path: path)
        }
        guard let text = String(validating: bytes, as: UTF8.self) else {
            throw HomeError(.malformed, "the file \(path) is not UTF-8 text", path: path)
        }
        return text
    }
}
