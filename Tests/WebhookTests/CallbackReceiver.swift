import OperatingHome
import SwitchboardTesting
import Synchronization

#if canImport(Darwin)
    import Darwin
#else
    import Glibc
#endif

/// Somebody who is called back: takes requests one by one and answers with the statuses he was given.
final class CallbackReceiver: Sendable {
    struct Request: Sendable {
        /// Names in lower case.
        var headers: [String: String]
        var body: String
    }

    let requests = Watched<[Request]>([])
    let port: UInt16
    private let file: Int32

    /// - Parameter statuses: one for each request, the last for all that follow.
    init(statuses: [Int]) throws {
        #if canImport(Darwin)
            let file = socket(AF_INET, SOCK_STREAM, 0)
        #else
            let file = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        #endif
        var name = sockaddr_in()
        name.sin_family = sa_family_t(AF_INET)
        name.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let bound = withUnsafeMutablePointer(to: &name) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { address in
                bind(file, address, length) == 0 && listen(file, 16) == 0 && getsockname(file, address, &length) == 0
            }
        }
        guard file >= 0, bound else { throw HTTPProbe.Failure(description: "cannot listen") }
        self.file = file
        port = UInt16(bigEndian: name.sin_port)
        let left = Mutex(statuses)
        try SystemThread.start("callback-receiver") { [requests] in
            while true {
                let peer = accept(file, nil, nil)
                guard peer >= 0 else { return }
                if let request = Self.read(peer) {
                    let status = left.withLock { $0.count > 1 ? $0.removeFirst() : $0[0] }
                    let answer =
                        "HTTP/1.1 \(status) X\r\nContent-Length: 0\r\nConnection: close\r\nRetry-After: 7\r\n\r\n"
                    _ = answer.withCString { send(peer, $0, strlen($0), 0) }
                    requests.change { $0.append(request) }
                }
                close(peer)
            }
        }
    }

    private static func read(_ file: Int32) -> Request? {
        var bytes: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 65_536)
        while true {
            let count = recv(file, &buffer, buffer.count, 0)
            guard count > 0 else { return nil }
            bytes += buffer[..<count]
            guard let end = bytes.firstRange(of: Array("\r\n\r\n".utf8)) else { continue }
            var headers: [String: String] = [:]
            for line in String(decoding: bytes[..<end.lowerBound], as: UTF8.self).split(separator: "\r\n").dropFirst() {
                guard let colon = line.firstIndex(of: ":") else { continue }
                headers[line[..<colon].lowercased()] = String(line[line.index(after: colon)...].drop { $0 == " " })
            }
            guard bytes.count - end.upperBound >= Int(headers["content-length"] ?? "0") ?? 0 else { continue }
            return Request(headers: headers, body: String(decoding: bytes[end.upperBound...], as: UTF8.self))
        }
    }

    func stop() { shutdown(file, Int32(SHUT_RDWR)) }
}
