import ArgumentParser
import ChannelSession
import Logging
import MessageBus
import ModelContextProtocol
import OperatingHome
import OperatingLog

#if canImport(Darwin)
    import Darwin
#else
    import Glibc
#endif

/// What Claude Code starts for each session: an MCP channel server on stdio, an endpoint on the bus.
struct MCPCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "mcp", abstract: "The channel server that Claude Code starts for a session (MCP over stdio).",
        discussion: """
            Add it to a project's .mcp.json: {"mcpServers":{"switchboard":{"command":"/path/to/switchboard","args":["mcp"]}}}
            Nothing happens before the client says notifications/initialized; then it joins the router, and starts one \
            with `switchboard up --detach` when none answers.
            """)

    @Option(help: "The session's label, by which chats address it. The project folder's name if not given.")
    var session: String?

    @Flag(help: "Do not start a router when none answers: something else does.")
    var noStart = false

    func run() throws {
        // First of all: from here on nothing but the protocol can reach the client.
        guard let output = StandardOutput.take() else {
            throw ValidationError("standard output is closed; Claude Code starts this command itself, see --help")
        }
        guard let wakePipe = WakePipe() else { throw ValidationError("the system gives no pipe: too many open files") }
        wakePipe.receiveSignals([SIGTERM, SIGINT, SIGHUP])
        OperatingLog.bootstrap(process: "mcp", settings: LogSettings(environment: ProcessEnvironment.all()))
        let logger = Logger(label: "mcp")

        let writer = LineWriter(descriptor: output)
        let identity = Self.identity(label: session)
        let starter: (@Sendable (ChannelSession) -> Void)? =
            noStart ? nil : { @Sendable session in RouterStarter.start(for: session) }
        let session = ChannelSession(
            identity, version: Program.version,
            surroundings: .init(
                output: writer,
                connect: { onEvent throws(BusError) in try Self.connect(identity, onEvent) },
                startRouter: starter, files: EndpointFiles { try Places.current() }, wake: { wakePipe.wake() },
                logger: logger))
        try writer.start(
            onWritten: { session.linesWritten($0) },
            onClosed: { code in
                logger.info("client is gone", metadata: ["reason": "\(String(cString: strerror(code)))"])
                session.outputClosed()
            })

        var loop = StdioLoop(input: 0, wakePipe: wakePipe)
        let ending = loop.run(session)
        logger.info("session ended", metadata: ["reason": "\(ending)"])
        try Self.endWithinASecond()
        writer.finish(withinMilliseconds: 300)
        session.close()
        Self.exit()
    }

    private static func identity(label: String?) -> SessionIdentity {
        let project =
            ProcessEnvironment.value("CLAUDE_PROJECT_DIR").flatMap { $0.isEmpty ? nil : $0 } ?? workingFolder()
        return SessionIdentity(
            label: label, project: project, pid: Int64(getpid()), parent: Int64(getppid()),
            instance: RandomBytes.hexadecimal(count: 8), inboxFolder: inboxFolder())
    }

    static func inboxFolder() -> String? {
        // Without a home the connection fails later, and says why.
        do { return try Places.current().state + "/files" } catch { return nil }
    }

    private static func workingFolder() -> String {
        guard let folder = getcwd(nil, 0) else { return "/" }
        defer { free(folder) }
        return String(cString: folder)
    }

    private static func connect(
        _ identity: SessionIdentity, _ onEvent: @escaping @Sendable (PeerEvent) -> Void
    ) throws(BusError) -> any RouterConnection {
        do {
            let places = try Places.current()
            try places.prepare()
            return BusPeer(
                address: .local(path: places.routerSocket),
                hello: identity.hello(program: "switchboard \(Program.version)"),
                onEvent: onEvent)
        } catch {
            throw BusError(.address, "\(error)")
        }
    }

    /// A router that does not take the farewell, or a client that does not read, must not keep this process: Claude
    /// Code kills what is still there after two seconds.
    private static func endWithinASecond() throws {
        try SystemThread.start("end") {
            var time = timespec(tv_sec: 0, tv_nsec: 800_000_000)
            nanosleep(&time, nil)
            MCPCommand.exit()
        }
    }

    private static func exit() -> Never { _exit(0) }
}
