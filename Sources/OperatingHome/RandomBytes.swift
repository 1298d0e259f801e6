/// Bytes that nobody can guess, from the system's own generator.
public enum RandomBytes {
    public static func make(count: Int) -> [UInt8] {
        var generator = SystemRandomNumberGenerator()
        return (0..<count).map { _ in UInt8.random(in: .min ... .max, using: &generator) }
    }

    /// `count` random bytes as twice as many lower-case hexadecimal digits.
    public static func hexadecimal(count: Int) -> String {
        let digits = Array("0123456789abcdef")
        return String(make(count: count).flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] })
    }
}
