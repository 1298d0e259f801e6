import JSON
import OperatingHome
import SwitchboardTesting
import Synchronization

#if canImport(Darwin)
    import Darwin
#else
    import Glibc
#endif

/// A home of its own in a temporary folder, and the real programs that were built beside the tests.
///
/// ``stop()`` ends what was started and removes the folder; call it in every test, also after a failure
/// (``SwitchboardHomeFixture/with(configuration:_:)`` does).
final class SwitchboardHomeFixture: Sendable {
    struct Failure: Error, CustomStringConvertible {
        let description: String
    }

    let places: Places
    /// A free port of 127.0.0.1 that the default configuration gives to the webhook.
    let webhookPort: UInt16
    private let folder: String
    private let children = Mutex<[ChildProcess]>([])

    /// - Parameter configuration: YAML; `{port}` stands for ``webhookPort``. By default only the webhook on that port.
    init(configuration: String = "adapters: { webhook: { listen: \"127.0.0.1:{port}\" } }\n") throws {
        var template = Array("/tmp/switchboard-test-XXXXXX".utf8CString)
        guard mkdtemp(&template) != nil else { throw Failure(description: "mkdtemp: \(errno)") }
        folder = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
        places = Places(home: folder)
        webhookPort = try Self.freePort()
        let port = String(webhookPort)
        let text = configuration.split(separator: "{port}", omittingEmptySubsequences: false).joined(separator: port)
        try write(text, to: places.configurationFile)
    }

    /// Runs a test in a home and cleans up whatever comes.
    static func with(
        configuration: String = "adapters: { webhook: { listen: \"127.0.0.1:{port}\" } }\n",
        _ body: (SwitchboardHomeFixture) async throws -> Void
    ) async throws {
        let home = try SwitchboardHomeFixture(configuration: configuration)
        do {
            try await body(home)
        } catch {
            let logs = home.logs
            await home.stop()
            throw Failure(description: "\(error)\n\(logs)")
        }
        await home.stop()
    }

    // MARK: Programs

    /// The folder with `switchboard` and its siblings.
    static func programs() throws -> String {
        #if canImport(Darwin)
            var information = Dl_info()
            guard dladdr(#dsohandle, &information) != 0, let name = information.dli_fname else {
                throw Failure(description: "the test bundle does not know where it lies")
            }
            var path = String(cString: name)
        #else
            var path = try ProgramFinder.ownPath()
        #endif
        while let slash = path.lastIndex(of: "/") {
            path = String(path[..<slash])
            if access(path + "/switchboard-router", X_OK) == 0 { return path }
        }
        throw Failure(description: "build the programs first: swift build")
    }

    var environment: [String: String] {
        var environment = ProcessEnvironment.all()
        for name in environment.keys where name.hasPrefix("SWITCHBOARD_") || name.hasPrefix("CLAUDE") {
            environment[name] = nil
        }
        environment["SWITCHBOARD_HOME"] = folder
        return environment
    }

    /// A command that runs in this home. Set what it needs and give it to ``start(_:)``.
    func command(_ program: String, _ arguments: [String] = []) throws -> ChildCommand {
        ChildCommand("\(try Self.programs())/\(program)", arguments, environment: environment)
    }

    /// Starts a child that ``stop()`` ends.
    func start(_ command: ChildCommand) throws -> ChildProcess {
        let child = try ChildProcess.start(command)
        children.withLock { $0.append(child) }
        return child
    }

    /// Runs `switchboard` with arguments to its end.
    func switchboard(_ arguments: String...) async throws -> ProgramOutcome {
        try await run(try command("switchboard", arguments))
    }

    /// Runs a program of the system, such as curl.
    func run(_ name: String, _ arguments: [String]) async throws -> ProgramOutcome {
        guard let program = try ProgramFinder.find(name) else { throw Failure(description: "\(name) is not installed") }
        return try await run(ChildCommand(program, arguments, environment: environment))
    }

    func run(_ command: ChildCommand) async throws -> ProgramOutcome {
        var command = command
        command.hasLifeline = false
        command.output = .pipe
        command.errors = .pipe
        let child = try start(command)
        guard let output = child.output, let errors = child.errors else { throw Failure(description: "no pipes") }
        let said = try ProgramOutput(output)
        let complained = try ProgramOutput(errors)
        let status = await child.exit()
        return ProgramOutcome(status: status, output: await said.all(), errors: await complained.all())
    }

    /// Starts `switchboard up` and returns when it has said what runs where.
    /// - Returns: the supervisor and what it says.
    @discardableResult
    func up() async throws -> (process: ChildProcess, output: ProgramOutput) {
        var command = try command("switchboard", ["up"])
        command.output = .pipe
        command.errors = .file(folder + "/up.stderr")
        let child = try start(command)
        guard let file = child.output else { throw Failure(description: "no pipe") }
        let output = try ProgramOutput(file)
        guard await output.waitFor("Bring Claude Code in") else {
            throw Failure(description: "switchboard up ended: \(await child.exit())")
        }
        return (child, output)
    }

    /// A Claude session on this home, opened as Claude Code does it.
    func session(_ label: String, _ arguments: String...) async throws -> ScriptedSession {
        let session = try ScriptedSession(
            "\(try Self.programs())/switchboard", ["mcp", "--session", label] + arguments,
            environment: ["SWITCHBOARD_HOME": folder], project: folder)
        try await session.open()
        return session
    }

    /// The answer of a reading command's `--json`.
    func json(_ arguments: String...) async throws -> JSONValue {
        let outcome = try await run(try command("switchboard", arguments + ["--json"]))
        do { return try JSONValue(parsing: outcome.output) } catch {
            throw Failure(description: "\(arguments): \(outcome.status), \(outcome.output)\(outcome.errors)")
        }
    }

    // MARK: The end

    /// Everything that the processes logged, for the report of a failure.
    var logs: String {
        ["up.stderr", "logs/up.log", "logs/router.log", "logs/webhook.log", "logs/rehearsal.log", "logs/scripted.log"]
            .map { name in
                do {
                    let bytes = try SmallFile.read("\(folder)/\(name)", limit: 16 << 20) ?? []
                    return bytes.isEmpty ? "" : "--- \(name)\n" + String(decoding: bytes.suffix(16_384), as: UTF8.self)
                } catch {
                    return "--- \(name): \(error)"
                }
            }.joined()
    }

    /// Ends every process of this home, the youngest first, and removes its folder.
    func stop() async {
        for child in children.withLock({ $0.reversed() }) where child.status == nil {
            child.signal(SIGTERM)
            _ = await child.exit()
        }
        await stopDetached()
        do { _ = try await run("rm", ["-rf", folder]) } catch { print("cannot remove \(folder): \(error)") }
    }

    private func stopDetached() async {
        do {
            guard try FileLock.holder(places.supervisorLock) != nil else { return }
            _ = try await switchboard("up", "--stop")
        } catch {
            print("cannot stop what runs in \(folder): \(error)")
        }
    }

    private func write(_ text: String, to path: String) throws {
        let file = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o600)
        guard file >= 0 else { throw Failure(description: "cannot write \(path): \(errno)") }
        defer { close(file) }
        let bytes = Array(text.utf8)
        guard Self.write(file, bytes) == bytes.count else {
            throw Failure(description: "cannot write \(path): \(errno)")
        }
    }

    private static func write(_ file: Int32, _ bytes: [UInt8]) -> Int {
        #if canImport(Darwin)
            Darwin.write(file, bytes, bytes.count)
        #else
            Glibc.write(file, bytes, bytes.count)
        #endif
    }

    /// Below what the system gives out by itself, and each only once in a process: two homes that run side by side never
    /// get the same one, also while the adapter of one of them is down.
    private static let nextPort = Mutex(UInt16(18_000 + getpid() % 12_000))

    private static func freePort() throws -> UInt16 {
        for _ in 0..<1_000 {
            let port = nextPort.withLock { next in
                next = next >= 31_999 ? 18_000 : next + 1
                return next
            }
            if try isFree(port) { return port }
        }
        throw Failure(description: "no free port")
    }

    private static func isFree(_ port: UInt16) throws -> Bool {
        #if canImport(Darwin)
            let file = socket(AF_INET, SOCK_STREAM, 0)
        #else
            let file = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        #endif
        guard file >= 0 else { throw Failure(description: "socket: \(errno)") }
        defer { close(file) }
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = port.bigEndian
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        return withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(file, $0, socklen_t(MemoryLayout<sockaddr_in>.size)) == 0
            }
        }
    }
}
