import CZeroMQ

/// Keys of CURVE, in Z85: 40 printable characters for 32 bytes.
public enum Curve {
    public struct KeyPair: Hashable, Sendable {
        public let publicKey: String
        public let secretKey: String
    }

    /// A new pair.
    /// - Throws: `ENOTSUP` when this libzmq cannot encrypt.
    public static func makeKeyPair() throws(ZeroMQError) -> KeyPair {
        var publicKey = [CChar](repeating: 0, count: 41)
        var secretKey = [CChar](repeating: 0, count: 41)
        guard zmq_curve_keypair(&publicKey, &secretKey) == 0 else { throw ZeroMQError.last("key pair") }
        return KeyPair(publicKey: text(publicKey), secretKey: text(secretKey))
    }

    /// The public key that belongs to a secret one.
    public static func publicKey(of secretKey: String) throws(ZeroMQError) -> String {
        guard isKey(secretKey) else { throw ZeroMQError(number: EINVAL, operation: "public key") }
        var publicKey = [CChar](repeating: 0, count: 41)
        guard zmq_curve_public(&publicKey, secretKey) == 0 else { throw ZeroMQError.last("public key") }
        return text(publicKey)
    }

    /// Whether a text is a key at all.
    public static func isKey(_ text: String) -> Bool {
        guard text.utf8.count == 40, text.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F }) else { return false }
        var bytes = [UInt8](repeating: 0, count: 32)
        return zmq_z85_decode(&bytes, text) != nil
    }

    /// The text form of a key as ZAP hands it over; `nil` unless it is 32 bytes.
    public static func text(of key: [UInt8]) -> String? {
        guard key.count == 32 else { return nil }
        var text = [CChar](repeating: 0, count: 41)
        guard zmq_z85_encode(&text, key, key.count) != nil else { return nil }
        return self.text(text)
    }

    private static func text(_ characters: [CChar]) -> String {
        String(decoding: characters.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }
}
