import BusProtocol
import ChannelEvents
import JSON
import Logging
import MessageBus
import OperatingHome
import OperatingLog

#if canImport(Darwin)
    import Darwin
#else
    import Glibc
#endif

extension Adapter {
    /// The program's entry: reads the command line and the environment, and ends the process.
    public static func main() async {
        exit(await AdapterProgram<Self>.run(Array(CommandLine.arguments.dropFirst())))
    }
}

/// What `switchboard-<kind>` does, from its arguments to its exit status.
enum AdapterProgram<Author: Adapter> {
    static func run(_ arguments: [String]) async -> Int32 {
        let description = Author.description
        do {
            let line = try AdapterCommandLine(arguments)
            switch line.word {
            case .describe:
                say(line.isJSON ? description.json.text : description.json.indentedText())
            case .questions:
                let questions: JSONValue = ["questions": .array(description.questions.map(\.json))]
                say(line.isJSON ? questions.text : questions.indentedText())
            case .imports:
                guard isatty(1) == 0 else {
                    throw HomeError(.exposed, "this prints secrets: use `switchboard init \(description.kind)`")
                }
                let found = Author.imports(ProcessEnvironment.all())
                say((["imports": .array(found.map(\.json))] as JSONValue).text)
            case .version: say(description.version)
            case .help: say(AdapterCommandLine.help(description))
            case .check(let settings): return try await check(settings, isJSON: line.isJSON)
            case .sample(let sample): return try await deliver(sample, isJSON: line.isJSON)
            case .run: return try await serve()
            }
            return 0
        } catch let error as AdapterCommandLine.UsageError {
            complain("\(error.message)\n\n" + AdapterCommandLine.help(description))
            return AdapterExit.Code.usage
        } catch {
            complain("\(error)")
            return AdapterExit.Code.configuration
        }
    }

    // MARK: check

    private static func check(_ argument: String?, isJSON: Bool) async throws -> Int32 {
        let (problems, notes) = try await judge(argument)
        if isJSON {
            var answer: JSONObject = ["ok": .bool(problems.isEmpty), "problems": .array(problems.map(\.json))]
            if !notes.isEmpty { answer["notes"] = .array(notes.map(JSONValue.string)) }
            say(JSONValue.object(answer).text)
        } else {
            let lines = problems.isEmpty ? ["no problems"] + notes : problems.map(\.description)
            say(lines.joined(separator: "\n"))
        }
        return problems.isEmpty ? 0 : 1
    }

    private static func judge(_ argument: String?) async throws -> ([AdapterProblem], notes: [String]) {
        let settings: JSONValue
        do throws(AdapterFailure) {
            settings = try self.settings(argument)
        } catch {
            return (error.problems, [])
        }
        let secrets = SecretResolver(places: try Places.current())
        let problems = await Author.check(settings, secrets: secrets)
        return (problems, problems.isEmpty ? await Author.notes(settings, secrets: secrets) : [])
    }

    /// - Throws: what is wrong with their form.
    private static func settings(_ argument: String?) throws(AdapterFailure) -> JSONValue {
        let bytes = argument.map { Array($0.utf8) } ?? standardInput()
        let settings: JSONValue
        do throws(JSONError) {
            settings = bytes.isEmpty ? .object([:]) : try JSONValue(parsing: bytes)
        } catch {
            let mend = "give the adapter's settings as one JSON object"
            throw AdapterFailure(
                AdapterProblem(path: "", code: "syntax", message: "the settings are not JSON: \(error)", mend: mend))
        }
        let shape = SettingShape.object(Author.description.settings).problems(in: settings)
        guard shape.isEmpty else { throw AdapterFailure(shape) }
        return settings
    }

    // MARK: sample

    private static func deliver(_ sample: AdapterCommandLine.Sample, isJSON: Bool) async throws -> Int32 {
        let places = try Places.current()
        let answer: SampleAnswer
        do throws(AdapterFailure) {
            answer = try await Author.deliver(
                PlatformSample(route: sample.route, body: try contents(of: sample.file), isSigned: sample.isSigned),
                settings: try settings(sample.settings), places: places, secrets: SecretResolver(places: places))
        } catch {
            if isJSON {
                say(JSONValue.object(["ok": false, "problems": .array(error.problems.map(\.json))]).text)
            } else {
                complain(error.problems.map(\.description).joined(separator: "\n"))
            }
            return 1
        }
        say(isJSON ? answer.json.text : answer.text)
        return answer.isTaken ? 0 : 1
    }

    private static func contents(of path: String) throws(AdapterFailure) -> [UInt8] {
        func failure(_ message: String) -> AdapterFailure {
            AdapterFailure(
                AdapterProblem(path: "", code: "file", message: message, mend: "name a file that can be read"))
        }
        let bytes: [UInt8]?
        do throws(HomeError) {
            bytes = try OperatingHome.SmallFile.read(path, limit: PlatformSample.limit)
        } catch {
            throw failure(error.message)
        }
        guard let bytes else { throw failure("there is no file \(path)") }
        return bytes
    }

    /// All of standard input, at most 1 MiB; nothing when a person sits there.
    private static func standardInput() -> [UInt8] {
        guard isatty(0) == 0 else { return [] }
        var bytes: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 65_536)
        while bytes.count <= 1 << 20 {
            let count = read(0, &buffer, buffer.count)
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { break }
            bytes += buffer[..<count]
        }
        return bytes
    }

    // MARK: run

    private static func serve() async throws -> Int32 {
        let description = Author.description
        let environment = ProcessEnvironment.all()
        let name = environment["SWITCHBOARD_SOURCE"] ?? description.kind
        guard let source = SourceName(name) else {
            throw HomeError(.malformed, "SWITCHBOARD_SOURCE: \(name.prefix(64)) is no source name; use a-z, 0-9 and -")
        }
        let stop = Latest<String?>(nil)
        try Lifeline.watch { stop.change { $0 = $0 ?? "the supervisor is gone" } }
        try StopSignals.watch { number in stop.change { $0 = $0 ?? "signal \(number)" } }
        OperatingLog.bootstrap(process: source.text, settings: LogSettings(environment: environment))
        let log = Logger(label: source.text)

        let places = try Places(environment: environment)
        try places.prepare()
        // It goes to the router and nowhere else: no program that the adapter starts inherits it.
        let key = try environment["SWITCHBOARD_SOURCE_KEY"] ?? SourceKey.load(source.text, places: places)
        unsetenv("SWITCHBOARD_SOURCE_KEY")
        let hello = Hello(
            role: .adapter, name: source.text, program: description.version,
            instance: RandomBytes.hexadecimal(count: 16),
            pid: Int64(getpid()), key: key, abilities: description.abilities)

        let relay = EventRelay()
        let peer = BusPeer(address: .local(path: places.routerSocket), hello: hello) { relay.receive($0) }
        let host = AdapterHost<Author>(
            source: source, places: places, secrets: SecretResolver(places: places, environment: environment), log: log,
            port: peer)
        relay.connect { host.handle($0) }
        try peer.start()
        let stopping = Task {
            if let reason = await stop.wait(until: { $0 != nil }) ?? nil { host.stop(because: reason) }
        }
        log.info("adapter started", metadata: ["kind": "\(description.kind)", "version": "\(description.version)"])
        let exit = await host.run()
        stopping.cancel()
        peer.stop(Bye(code: ProtocolError.Code.shuttingDown.rawValue, message: "the adapter stops"))
        if let line = exit.line { complain(line) }
        log.info("adapter stopped", metadata: ["status": "\(exit.status)"])
        return exit.status
    }

    private static func say(_ text: String) { write(text, to: 1) }
    private static func complain(_ text: String) { write("switchboard-\(Author.description.kind): \(text)", to: 2) }

    private static func write(_ text: String, to file: Int32) {
        var bytes = Array(text.utf8)
        if bytes.last != UInt8(ascii: "\n") { bytes.append(UInt8(ascii: "\n")) }
        var rest = bytes[...]
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes { systemWrite(file, $0.baseAddress, $0.count) }
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { return }
            rest = rest.dropFirst(count)
        }
    }
}

private func systemWrite(_ file: Int32, _ bytes: UnsafeRawPointer?, _ count: Int) -> Int {
    #if canImport(Darwin)
        Darwin.write(file, bytes, count)
    #else
        Glibc.write(file, bytes, count)
    #endif
}
