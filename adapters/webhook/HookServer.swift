import AdapterKit
import HTTPTypes
import HummingbirdCore
import HummingbirdTLS
import NIOCore
import NIOPosix
import NIOSSL

#if canImport(Darwin)
    import Darwin
#else
    import Glibc
#endif

/// The HTTP server: binds, limits, and gives each request to ``HookResponder``.
final class HookServer: Sendable {
    /// Connections open at once; further ones wait in the system's queue.
    static let connectionLimit = 256
    /// A connection that sends no whole head in this time, or rests so long between requests, is closed.
    static let idleTimeout = TimeAmount.seconds(30)
    /// Time between two comments on a stream without replies.
    static let heartbeat = Duration.seconds(15)
    /// Requests that were kept long enough are removed once in an hour.
    static let beatsPerSweep = 240
    /// Requests under way have this long to end when the adapter stops.
    static let stopPatience = Duration.seconds(2)

    private let connection: AdapterConnection
    private let settings: WebhookSettings
    private let gate: HookGate
    private let replies: ReplyStreams
    private let ledger: HookLedger
    private let originals: HookOriginals

    init(
        connection: AdapterConnection, settings: WebhookSettings, gate: HookGate, replies: ReplyStreams,
        ledger: HookLedger, originals: HookOriginals
    ) {
        self.connection = connection
        self.settings = settings
        self.gate = gate
        self.replies = replies
        self.ledger = ledger
        self.originals = originals
    }

    private var listen: ListenAddress { settings.listen }

    func run() async throws {
        let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
        do {
            try await serve(on: group)
        } catch {
            try await group.shutdownGracefully()
            throw error
        }
        try await group.shutdownGracefully()
    }

    private func serve(on group: MultiThreadedEventLoopGroup) async throws {
        let responder = HookResponder(
            connection: connection, gate: gate, replies: replies, ledger: ledger, originals: originals,
            identity: SystemPeerIdentity(),
            isCovered: listen.isLoopback || settings.tls != nil, proxy: settings.proxy,
            paths: Dictionary(
                (settings.routes ?? [:]).values.compactMap { route in route.path.map { ($0, route.name) } }
            ) { first, _ in first })
        var log = connection.log
        log.logLevel = .warning
        var decoder = HTTP1Channel.Configuration.DecoderConfiguration()
        decoder.maxHeaderFieldSize = 16 << 10
        decoder.maxHeaderListSize = 32 << 10
        decoder.maxHeaderFieldCount = 100
        let channel = HTTP1Channel(
            responder: { request, writer, channel in
                try await responder.respond(to: request, writer: writer, channel: channel)
            },
            configuration: .init(idleTimeout: Self.idleTimeout, httpDecoderConfiguration: decoder))
        if let tls = settings.tls {
            try await serve(
                try TLSChannel(channel, tlsConfiguration: Self.configuration(tls, places: connection.places)), group,
                log)
        } else {
            try await serve(channel, group, log)
        }
    }

    /// - Throws: ``AdapterFailure`` when certificate or key cannot be read.
    private static func configuration(_ tls: WebhookSettings.TLS, places: Places) throws -> TLSConfiguration {
        let path = tls.certificate.hasPrefix("/") ? tls.certificate : "\(places.configuration)/\(tls.certificate)"
        do {
            return TLSConfiguration.makeServerConfiguration(
                certificateChain: try NIOSSLCertificate.fromPEMFile(path).map { .certificate($0) },
                privateKey: .privateKey(try NIOSSLPrivateKey(bytes: Array(tls.key.utf8), format: .pem)))
        } catch {
            throw AdapterFailure(
                AdapterProblem(
                    path: "tls", code: "tls", message: "the certificate \(path) or its key cannot be used",
                    mend: "both are PEM files; the key belongs to the first certificate"))
        }
    }

    private func serve<Child: ServerChildChannel>(
        _ channel: Child, _ group: MultiThreadedEventLoopGroup, _ log: Logger
    ) async throws {
        let server = Server(
            childChannelSetup: channel,
            configuration: ServerConfiguration(
                address: .hostname(listen.host, port: Int(listen.port)),
                availableConnectionsDelegate: .maximum(Self.connectionLimit, logger: log)),
            onServerRunning: { [connection, listen] in
                let port = $0.localAddress?.port ?? Int(listen.port)
                let address = ListenAddress(host: listen.host, port: port) ?? listen
                connection.report(.up, reason: "listening on \(address)")
            },
            eventLoopGroup: group, logger: log)
        try await withThrowingTaskGroup(of: Void.self) { tasks in
            tasks.addTask { try await self.runUntilCancelled(server) }
            tasks.addTask { try await self.beat() }
            defer { tasks.cancelAll() }
            _ = try await tasks.next()
        }
    }

    /// The server is stopped, not cancelled, so that requests under way get their answer.
    private func runUntilCancelled<Child: ServerChildChannel>(_ server: Server<Child>) async throws {
        let serving = Task { try await server.run() }
        let result = await withTaskCancellationHandler {
            await serving.result
        } onCancel: {
            replies.close()
            let stopping = Task { try await server.shutdownGracefully() }
            Task {
                let timer = Task {
                    try await Task.sleep(for: Self.stopPatience)
                    serving.cancel()
                }
                _ = await stopping.result
                timer.cancel()
            }
        }
        if Task.isCancelled { return }
        do {
            try result.get()
        } catch let error as IOError {
            let problem = PortCheck.problem(listen, section: connection.source.text, errno: error.errnoCode)
            throw AdapterFailure(problem)
        }
    }

    private func beat() async throws {
        var beats = 0
        while true {
            try await Task.sleep(for: Self.heartbeat)
            replies.beat()
            beats += 1
            if beats % Self.beatsPerSweep == 0 { originals.sweep() }
        }
    }
}
