public import BusProtocol
import ZeroMQ

/// The router's side of the bus: ROUTER for peers, XPUB for the tap. Owned by the thread of the router's loop; it may
/// be made by another before.
///
/// Queues: 256 messages per peer and direction. A peer whose queue to us is full stops sending; one that does not read
/// is reported as ``SendOutcome/full``; an observer of the tap that does not read misses lines.
public final class BusListener {
    private let context: Context
    private let local: Socket
    private let tap: Socket
    private let remote: Socket?
    private let authenticator: KeyAuthenticator?
    private var authorized: [String: AuthorizedPeer]
    private var watchedTopics: Set<[UInt8]> = []
    private var takesRemoteFirst = false
    private var files: [BoundFile]

    /// A handle by which any thread ends ``wait(milliseconds:)``.
    public let waker: BusWaker
    public private(set) var counters = Counters()
    /// Where remote peers connect, with the port that was really bound.
    public let remoteEndpoint: String?

    /// Binds all sockets. Stale socket files are removed.
    ///
    /// - Important: The caller holds the lock that makes it the only router here: binding silently takes the path away
    ///   from a router that lives.
    /// - Parameters:
    ///   - path: of the peers' socket, absolute, in a directory that only this user can enter.
    ///   - tapPath: of the tap's socket.
    /// - Throws: ``BusError`` with `address` for a path or key that cannot be used, `addressInUse`, `transport`.
    public init(local path: String, tap tapPath: String, remote: RemoteListener? = nil) throws(BusError) {
        let context = try BusError.translating { () throws(ZeroMQError) in try Context() }
        self.context = context
        waker = try BusWaker()
        let (local, localFile) = try Self.bind(.router, path, context)
        let (tap, tapFile) = try Self.bind(.xpub, tapPath, context)
        self.local = local
        self.tap = tap
        files = [localFile, tapFile]
        authorized = remote?.authorized ?? [:]
        if let remote {
            try remote.check()
            authenticator = try KeyAuthenticator(context, keys: Set(remote.authorized.keys))
            (self.remote, remoteEndpoint) = try BusError.translating { () throws(ZeroMQError) in
                var options = Self.options(.router)
                options.usesIPv6 = true
                options.security = .server(secretKey: remote.secretKey, domain: KeyAuthenticator.domain)
                let socket = try Socket(context, .router, options)
                try socket.bind(remote.endpoint)
                return (socket, try socket.lastEndpoint())
            }
        } else {
            authenticator = nil
            self.remote = nil
            remoteEndpoint = nil
        }
    }

    deinit { close() }

    /// Ends all sockets; returns when their paths are free. What was sent last (a BYE) has a tenth of a second to leave.
    public func close() {
        // The key check ends last: without it libzmq would let everybody in.
        remote?.close()
        local.close()
        tap.close()
        authenticator?.stop()
        context.close()
        for file in files { file.remove() }
        files = []
    }

    private static func bind(
        _ kind: Socket.Kind, _ path: String, _ context: Context
    ) throws(BusError) -> (Socket, BoundFile) {
        let endpoint = try SocketPath.endpoint(path)
        try SocketPath.removeStale(path)
        let socket = try BusError.translating { () throws(ZeroMQError) in
            let socket = try Socket(context, kind, options(kind))
            try socket.bind(endpoint)
            return socket
        }
        return (socket, try SocketPath.protect(path))
    }

    private static func options(_ kind: Socket.Kind) -> SocketOptions {
        var options = SocketOptions()
        options.linger = 100
        if kind == .router {
            options.isMandatory = true
            options.frameBytes = BusLimits.hardFrameBytes
        } else {
            options.sendLimit = 4096
            // Observers send subscriptions only.
            options.frameBytes = 256
        }
        return options
    }

    /// From now on these keys may come, and only as what they stand for; also on connections that stand.
    public func authorize(_ peers: [String: AuthorizedPeer]) {
        authorized = peers
        authenticator?.allow(Set(peers.keys))
    }

    // MARK: Receiving

    /// Waits for messages or ``BusWaker/wake()``, at most so many milliseconds; negative waits without limit.
    public func wait(milliseconds: Int) throws(BusError) {
        try BusError.translating { () throws(ZeroMQError) in
            var poller = Poller()
            poller.add(local)
            let signal = poller.add(waker.signal)
            let observers = poller.add(tap)
            if let remote { poller.add(remote) }
            try poller.wait(milliseconds: milliseconds)
            if poller.isReadable(signal) { waker.signal.clear() }
            if poller.isReadable(observers) { try readSubscriptions() }
        }
    }

    /// Takes what is there: until so many events or bytes are reached or passed by the last message, or nothing is left.
    ///
    /// Peers take turns, message by message, so that one that floods delays the others by a batch and no more. A message
    /// that cannot be read is in the result with its reason; nothing that a peer sends makes this throw.
    public func receive(events: Int, bytes: Int) throws(BusError) -> [Inbound] {
        var inbound: [Inbound] = []
        var eventsLeft = events
        var bytesLeft = bytes
        while eventsLeft > 0, bytesLeft > 0 {
            let message = try BusError.translating { () throws(ZeroMQError) in try nextMessage() }
            guard let (received, isRemote) = message else { break }
            let item = read(received, isRemote: isRemote)
            eventsLeft -= item.eventCount
            bytesLeft -= max(item.size, 1)
            inbound.append(item)
        }
        return inbound
    }

    private func nextMessage() throws(ZeroMQError) -> (ReceivedMessage, isRemote: Bool)? {
        guard let remote else { return try local.receive(limitedTo: BusLimits.self).map { ($0, false) } }
        takesRemoteFirst.toggle()
        let first = takesRemoteFirst ? remote : local
        let second = takesRemoteFirst ? local : remote
        if let message = try first.receive(limitedTo: BusLimits.self) { return (message, takesRemoteFirst) }
        return try second.receive(limitedTo: BusLimits.self).map { ($0, !takesRemoteFirst) }
    }

    private func read(_ received: ReceivedMessage, isRemote: Bool) -> Inbound {
        counters.messages += 1
        counters.bytes += UInt64(received.size)
        let link = LinkID(bytes: received.peer, isRemote: isRemote)
        let peer = isRemote ? received.user.flatMap { authorized[$0] } : nil
        var command = ""
        let message: Result<PeerMessage, ProtocolError>
        do throws(ProtocolError) {
            guard !received.isCut else {
                throw ProtocolError(
                    .oversize, "a message has at most \(BusLimits.parts) frames and \(BusLimits.messageBytes) bytes")
            }
            let frames = try BusFrames(parts: received.parts)
            command = frames.command.rawValue
            if isRemote, peer == nil { throw ProtocolError(.notAllowed, "this key is not let in any more") }
            let content = try PeerMessage(frames)
            if let peer, case .hello(let hello) = content { try peer.check(hello) }
            message = .success(content)
        } catch {
            counters.refused += 1
            message = .failure(error)
        }
        return Inbound(link: link, authorized: peer, message: message, command: command, size: received.size)
    }

    // MARK: Sending

    /// Never waits.
    public func send(_ message: RouterMessage, to link: LinkID) -> SendOutcome {
        guard let socket = link.isRemote ? remote : local else { return .gone }
        let outcome: SendOutcome
        do throws(ZeroMQError) {
            switch try socket.send(message.frames.parts, to: link.bytes) {
            case .sent: outcome = .sent
            case .full: outcome = .full
            case .gone: outcome = .gone
            }
        } catch {
            // libzmq has no other answer for a peer; what it means for the message is the same.
            outcome = .gone
        }
        counters.count(outcome)
        return outcome
    }

    // MARK: Tap

    /// Whether anybody observes the tap. As of the last ``wait(milliseconds:)``; lines need not be made for nobody.
    public var isTapWatched: Bool { !watchedTopics.isEmpty }

    /// One line of the tap: a topic (`event`, `delivery`, `source`, `session`, `outbox`, …) and a JSON object. An
    /// observer that does not keep up misses lines.
    public func publishTap(topic: String, line: [UInt8]) {
        guard isTapWatched else { return }
        do throws(ZeroMQError) {
            _ = try tap.send([Array(topic.utf8), line])
            counters.tapLines += 1
        } catch {
            counters.tapFailures += 1
        }
    }

    private func readSubscriptions() throws(ZeroMQError) {
        // Bounded, so that an observer that subscribes without end does not hold up the loop.
        for _ in 0..<64 {
            guard let message = try tap.receive(parts: 1, bytes: 256) else { return }
            guard let frame = message.parts.first, let first = frame.first else { continue }
            let topic = Array(frame.dropFirst())
            switch first {
            case 1 where watchedTopics.count < 256: watchedTopics.insert(topic)
            case 0: watchedTopics.remove(topic)
            default: break
            }
        }
    }
}

extension Socket {
    /// The next message, held to the limits of the bus; one past them is cut.
    func receive(limitedTo limits: BusLimits.Type) throws(ZeroMQError) -> ReceivedMessage? {
        try receive(parts: limits.parts, bytes: limits.messageBytes)
    }
}
