import AdapterKit
import AsyncHTTPClient
import NIOCore
import NIOHTTP1
import NIOPosix

#if canImport(Darwin)
    import Darwin
#else
    import Glibc
#endif

/// Posts answers to the addresses that routes and requests name, one try at a time: the router keeps them between.
struct CallbackSender: Sendable {
    enum Outcome: Hashable, Sendable {
        case taken
        /// It will never be taken.
        case refused(String)
        /// - Parameter after: what the receiver asked for, in milliseconds.
        case failed(String, after: Int64?)
    }

    /// The answer's body is read so far and no further; it says nothing that is needed.
    private static let answerLimit = 65_536

    /// - Parameter attempt: from 1.
    func outcome(of outcome: Outcome, attempt: Int64, id: String) -> SendOutcome {
        switch outcome {
        case .taken: return .sent(ids: [id])
        case .refused(let reason): return .rejected(reason: "the callback was refused: \(reason)")
        case .failed(let reason, let asked):
            let step = Int(max(1, attempt)) - 1
            guard step < HookCallback.ladder.count else {
                return .rejected(reason: "the callback was given up after \(attempt) tries: \(reason)")
            }
            let after = max(HookCallback.ladder[step], min(asked ?? 0, HookCallback.ladder.max() ?? 0))
            return .retry(after: after, reason: "the callback failed: \(reason)")
        }
    }

    func post(_ body: [UInt8], headers: [(name: String, value: String)], to url: CallbackURL, allowsPrivate: Bool) async
        -> Outcome
    {
        let addresses: [[UInt8]]
        do throws(LookupFailure) {
            addresses = try await Self.addresses(of: url.host, port: url.port)
        } catch {
            return .failed("\(url.host) has no address: \(error.reason)", after: nil)
        }
        // What was judged is what is called: the name is not looked up a second time.
        let usable = allowsPrivate ? addresses : addresses.filter { !PrivateAddress.contains($0) }
        guard let address = usable.first, addresses.count == usable.count else {
            return .refused("\(url.host) leads into a private network; set callback_private on the route to allow it")
        }
        var configuration = HTTPClient.Configuration()
        configuration.redirectConfiguration = .disallow
        configuration.dnsOverride = [url.host: ListenAddress(bytes: address, port: 0).host]
        configuration.timeout = .init(connect: .seconds(5), read: .seconds(15))
        configuration.proxy = nil
        configuration.httpVersion = .http1Only
        let client = HTTPClient(eventLoopGroupProvider: .singleton, configuration: configuration)
        let outcome = await send(body, headers, to: url, with: client)
        do {
            try await client.shutdown()
        } catch {
            // The request is over; what is left of its connection ends with it.
        }
        return outcome
    }

    private func send(
        _ body: [UInt8], _ headers: [(name: String, value: String)], to url: CallbackURL, with client: HTTPClient
    ) async -> Outcome {
        var request = HTTPClientRequest(url: url.text)
        request.method = .POST
        for header in headers { request.headers.add(name: header.name, value: header.value) }
        request.body = .bytes(ByteBuffer(bytes: body))
        do {
            let patience = TimeAmount(HookCallback.patience)
            let answer = try await client.execute(request, deadline: .now() + patience)
            var count = 0
            for try await part in answer.body {
                count += part.readableBytes
                if count > Self.answerLimit { break }
            }
            let status = Int(answer.status.code)
            if (200..<300).contains(status) { return .taken }
            if status == 410 { return .refused("its receiver is gone for good (410)") }
            let asked = answer.headers.first(name: "retry-after").flatMap { HookDigits.seconds($0) }
            return .failed("the receiver answered \(status)", after: asked.map { $0 * 1000 })
        } catch let error as HTTPClientError {
            return .failed(error.shortDescription, after: nil)
        } catch {
            return .failed("no connection", after: nil)
        }
    }

    private struct LookupFailure: Error {
        let reason: String
    }

    /// All addresses of a name. Looked up on a thread of its own kind: the system's lookup blocks.
    private static func addresses(of host: String, port: Int) async throws(LookupFailure) -> [[UInt8]] {
        if let address = ListenAddress(host: host, port: port) { return [address.bytes] }
        let found: Result<[[UInt8]], LookupFailure>
        do {
            found = try await NIOThreadPool.singleton.runIfActive { lookUp(host) }
        } catch {
            throw LookupFailure(reason: "the process stops")
        }
        return try found.get()
    }

    private static func lookUp(_ host: String) -> Result<[[UInt8]], LookupFailure> {
        var hints = addrinfo()
        hints.ai_family = AF_UNSPEC
        #if canImport(Darwin)
            hints.ai_socktype = SOCK_STREAM
        #else
            hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
        #endif
        var list: UnsafeMutablePointer<addrinfo>?
        let status = getaddrinfo(host, nil, &hints, &list)
        defer { freeaddrinfo(list) }
        guard status == 0 else { return .failure(LookupFailure(reason: String(cString: gai_strerror(status)))) }
        var addresses: [[UInt8]] = []
        var entry = list
        while let current = entry {
            let info = current.pointee
            if let name = info.ai_addr { addresses += [bytes(of: name, family: info.ai_family)].compactMap(\.self) }
            entry = info.ai_next
        }
        return addresses.isEmpty ? .failure(LookupFailure(reason: "none is usable")) : .success(addresses)
    }

    private static func bytes(of name: UnsafeMutablePointer<sockaddr>, family: Int32) -> [UInt8]? {
        switch family {
        case AF_INET:
            name.withMemoryRebound(to: sockaddr_in.self, capacity: 1) { pointer in
                withUnsafeBytes(of: pointer.pointee.sin_addr) { Array($0) }
            }
        case AF_INET6:
            name.withMemoryRebound(to: sockaddr_in6.self, capacity: 1) { pointer in
                withUnsafeBytes(of: pointer.pointee.sin6_addr) { Array($0) }
            }
        default: nil
        }
    }
}
