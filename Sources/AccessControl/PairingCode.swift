/// A short code with which the owner lets a stranger in: six letters and digits that nobody mistakes for another.
public enum PairingCode {
    /// Without 0 and o, 1, i and l, 2 and z, 5 and s, 8 and b, u and v.
    static let alphabet = Array("acdefghjkmnpqrtwxy34679".utf8)
    public static let length = 6

    public static func make(_ random: () -> UInt64) -> String {
        String(decoding: (0..<length).map { _ in alphabet[Int(random() % UInt64(alphabet.count))] }, as: UTF8.self)
    }

    /// What a person typed, in the form that is stored; case and dashes do not count. `nil` when it is no code.
    public static func normalized(_ text: String) -> String? {
        let code = text.lowercased().filter { $0 != "-" && $0 != " " }
        guard code.utf8.count == length, code.utf8.allSatisfy(alphabet.contains) else { return nil }
        return code
    }
}
