import Testing
import ZeroMQ

@testable import MessageBus

#if canImport(Darwin)
    import Darwin
#else
    import Glibc
#endif

struct AddressTests {
    let directory = SocketDirectory()

    private func code(_ body: () throws -> Void) -> BusError.Code? {
        do {
            try body()
        } catch let error as BusError {
            return error.code
        } catch {
            return nil
        }
        return nil
    }

    @Test func aPathTooLongSaysSo() throws {
        let path = "/tmp/" + String(repeating: "x", count: SocketPath.limit)
        #expect(code { _ = try BusListener(local: path, tap: directory.tap) } == .address)
        let peer = BusPeer(address: .local(path: path), hello: Samples.hello()) { _ in }
        let error = #expect(throws: BusError.self) { try peer.start() }
        #expect(error?.message.contains("this system allows \(SocketPath.limit)") == true)
    }

    @Test func theLongestPathWorks() throws {
        let name = String(repeating: "x", count: SocketPath.limit - directory.path.utf8.count - 1)
        let path = "\(directory.path)/\(name)"
        #expect(path.utf8.count == SocketPath.limit)
        let listener = try BusListener(local: path, tap: directory.tap)
        let raw = try RawPeer(path)
        try raw.send([[1], [2]])
        try listener.wait(milliseconds: 5_000)
        #expect(try listener.receive(events: 1, bytes: 1).count == 1)
        listener.close()
        unlink(path)
    }

    @Test func aRelativePathAndAMissingDirectoryAreErrors() {
        #expect(code { _ = try BusListener(local: "router", tap: directory.tap) } == .address)
        #expect(code { _ = try BusListener(local: "/nonexistent-sb/router", tap: directory.tap) } == .transport)
    }

    @Test func aStaleSocketIsReplacedAndAFileIsNot() throws {
        let first = try BusListener(local: directory.router, tap: directory.tap)
        first.close()
        let file = socket(AF_UNIX, Int32(SOCK_STREAM_TYPE), 0)
        defer { close(file) }
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: directory.router.utf8) }
        let bound = withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(file, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
            }
        }
        try #require(bound == 0)
        let second = try BusListener(local: directory.router, tap: directory.tap)
        second.close()

        let plain = open(directory.router, O_CREAT | O_WRONLY, 0o600)
        try #require(plain >= 0)
        close(plain)
        #expect(code { _ = try BusListener(local: directory.router, tap: directory.tap) } == .address)
    }

    @Test func theSocketIsForItsUserOnly() throws {
        let listener = try BusListener(local: directory.router, tap: directory.tap)
        for path in [directory.router, directory.tap] {
            var status = stat()
            try #require(stat(path, &status) == 0)
            #expect(status.st_mode & 0o777 == 0o600)
        }
        listener.close()
    }

    @Test func tcpWithoutKeysIsRefused() throws {
        let keys = try Curve.makeKeyPair()
        let other = try Curve.makeKeyPair()
        let cases: [(String, String, String)] = [
            ("tcp://127.0.0.1:*", "", ""), ("tcp://127.0.0.1:*", keys.publicKey, ""),
            ("tcp://127.0.0.1:*", other.publicKey, keys.secretKey), ("ipc:///tmp/x", keys.publicKey, keys.secretKey),
        ]
        for (endpoint, publicKey, secretKey) in cases {
            let remote = BusListener.RemoteListener(
                endpoint: endpoint, publicKey: publicKey, secretKey: secretKey, authorized: [:])
            #expect(
                code { _ = try BusListener(local: directory.router, tap: directory.tap, remote: remote) } == .address)
        }
        let peer = BusPeer(
            address: .remote(endpoint: "tcp://127.0.0.1:1", serverKey: "", publicKey: "", secretKey: ""),
            hello: Samples.hello()
        ) { _ in }
        #expect(code { try peer.start() } == .address)
        let bad = BusPeer(
            address: .remote(
                endpoint: "tcp://nowhere", serverKey: keys.publicKey, publicKey: keys.publicKey,
                secretKey: keys.secretKey),
            hello: Samples.hello()
        ) { _ in }
        #expect(code { try bad.start() } == .transport)
    }

    @Test func aTakenPortNamesIt() throws {
        let keys = try Curve.makeKeyPair()
        func remote(_ endpoint: String) -> BusListener.RemoteListener {
            .init(endpoint: endpoint, publicKey: keys.publicKey, secretKey: keys.secretKey, authorized: [:])
        }
        let first = try BusListener(local: directory.router, tap: directory.tap, remote: remote("tcp://127.0.0.1:*"))
        let endpoint = try #require(first.remoteEndpoint)
        let second = SocketDirectory()
        #expect(
            code { _ = try BusListener(local: second.router, tap: second.tap, remote: remote(endpoint)) }
                == .addressInUse)
        first.close()
    }
}

#if canImport(Darwin)
    private let SOCK_STREAM_TYPE = SOCK_STREAM
#else
    private let SOCK_STREAM_TYPE = SOCK_STREAM.rawValue
#endif
