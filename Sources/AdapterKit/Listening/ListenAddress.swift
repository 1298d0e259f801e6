#if canImport(Darwin)
    import Darwin
#else
    import Glibc
#endif

/// A numeric IP address with a port. No names: what they mean is somebody else's to say.
package struct ListenAddress: Hashable, Sendable, CustomStringConvertible {
    /// 4 or 16 bytes, in network order.
    package let bytes: [UInt8]
    package let port: UInt16

    package init(bytes: [UInt8], port: UInt16) {
        self.bytes = bytes
        self.port = port
    }

    package init?(host: String, port: Int) {
        guard let port = UInt16(exactly: port) else { return nil }
        var bytes = [UInt8](repeating: 0, count: 16)
        if inet_pton(AF_INET, host, &bytes) == 1 {
            self.init(bytes: Array(bytes.prefix(4)), port: port)
        } else if inet_pton(AF_INET6, host, &bytes) == 1 {
            self.init(bytes: bytes, port: port)
        } else {
            return nil
        }
    }

    /// Reads `127.0.0.1:8441`, `[::1]:8441` and `localhost:8441`.
    package init?(_ text: String) {
        guard let colon = text.lastIndex(of: ":"), let port = UInt16(text[text.index(after: colon)...]) else {
            return nil
        }
        var host = text[..<colon]
        if host.hasPrefix("["), host.hasSuffix("]") {
            host = host.dropFirst().dropLast()
        } else if host.contains(":") {
            return nil
        }
        self.init(host: host == "localhost" ? "127.0.0.1" : String(host), port: Int(port))
    }

    package var isLoopback: Bool {
        if bytes.count == 4 { return bytes[0] == 127 }
        if let mapped = mappedIPv4 { return mapped[0] == 127 }
        return bytes.dropLast().allSatisfy { $0 == 0 } && bytes.last == 1
    }

    /// The IPv4 address inside an IPv6 one that stands for it.
    package var mappedIPv4: [UInt8]? {
        guard bytes.count == 16, bytes[..<10].allSatisfy({ $0 == 0 }), bytes[10] == 0xFF, bytes[11] == 0xFF else {
            return nil
        }
        return Array(bytes[12...])
    }

    package var host: String {
        if bytes.count == 4 { return bytes.map { String($0) }.joined(separator: ".") }
        var buffer = [CChar](repeating: 0, count: Int(INET6_ADDRSTRLEN))
        _ = bytes.withUnsafeBytes { inet_ntop(AF_INET6, $0.baseAddress, &buffer, socklen_t(buffer.count)) }
        return String(decoding: buffer.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    package var description: String { bytes.count == 4 ? "\(host):\(port)" : "[\(host)]:\(port)" }

    /// Whether a Host header names this machine itself: what a browser sends that was lured to us by a name that
    /// resolves to loopback names something else.
    package static func isLoopbackHost(_ header: String) -> Bool {
        var host = header[...]
        if host.hasPrefix("["), let end = host.firstIndex(of: "]") {
            host = host[host.index(after: host.startIndex)..<end]
        } else if let colon = host.lastIndex(of: ":") {
            host = host[..<colon]
        }
        if host.lowercased() == "localhost" { return true }
        return ListenAddress(host: String(host), port: 0)?.isLoopback ?? false
    }
}
