import AdapterKit
import SwitchboardTesting
import Synchronization

@testable import telegram_simulator

#if canImport(Darwin)
    import Darwin
#else
    import Glibc
#endif

/// The adapter's program and a simulated platform.
final class TelegramFixture: AdapterFixture {
    static let token = "7:a-token-that-must-not-leak"
    static let ann: Int64 = 42

    let program = "switchboard-telegram"
    let settings: JSONValue
    let chat = "42"
    let refusal = AdapterContract.Shown.acknowledged
    let platform: BotPlatform
    let server: SimulatorServer
    /// Grows with every change of the platform, and with every kill.
    let changes = Watched(0)
    private let folder: TemporaryFolder
    private let proxy: TestProxy?
    private let kills = Mutex(0)
    private let messages = Mutex<[String: Int64]>([:])

    /// - Parameter isProxy: the adapter is to reach the platform only as a proxy for a name that does not exist.
    init(isProxy: Bool = false, more: JSONObject = [:]) async throws {
        folder = try TemporaryFolder()
        let file = "\(folder.path)/token"
        try Self.write(Self.token, to: file)
        platform = BotPlatform(token: Self.token)
        platform.addPerson(Self.ann, "Ann")
        server = SimulatorServer(platform)
        let port = try await server.start()
        let address = JSONValue.string("http://127.0.0.1:\(port)")
        var settings: JSONObject = ["token": .string("file:\(file)"), "api_base": address]
        proxy = isProxy ? try await TestProxy(to: port) : nil
        if let proxy {
            settings["api_base"] = "http://bot-server.invalid"
            settings["proxy"] = .string("http://127.0.0.1:\(proxy.port)")
        }
        for member in more { settings[member.key] = member.value }
        self.settings = .object(settings)
        platform.watch { [changes] in changes.change { $0 += 1 } }
    }

    func isUp(_ health: Health) async throws {}

    func show(_ text: String, identity: String) async throws -> AdapterContract.Shown {
        let kill = kills.withLock { $0 }
        // Several are shown at once; what was put in first has the lower number.
        let update = messages.withLock { messages in
            if let number = messages[identity] {
                platform.showAgain(number, in: Self.ann)
            } else {
                messages[identity] = platform.say(text, from: Self.ann)
            }
            return platform.nextUpdate - 1
        }
        _ = try await changes.wait(for: "the offset to pass \(update)") { [self] _ in
            isForgotten(update) || kills.withLock { $0 } != kill
        }
        return isForgotten(update) ? .acknowledged : .notNow
    }

    func show(file: [UInt8], identity: String) async throws -> AdapterContract.Shown? {
        platform.sendFile(file, name: "long.bin", from: Self.ann)
        let update = platform.nextUpdate - 1
        try await wait(for: "the offset to pass \(update)") { $0.commits.contains { $0.offset > update } }
        return .acknowledged
    }

    func takenFiles() async throws -> [[UInt8]]? {
        try await wait(for: "a message with a file") { !$0.shown(in: Self.ann).isEmpty }
        return platform.shown(in: Self.ann).compactMap { message in
            message["document"]?["file_id"]?.stringValue.flatMap { platform.bytes(of: $0) }
        }
    }

    let takesEmptyFiles = false

    private func isForgotten(_ update: Int64) -> Bool { platform.commits.contains { $0.offset > update } }

    func isEvent(_ head: EventHead, of identity: String) -> Bool {
        guard let number = messages.withLock({ $0[identity] }) else { return false }
        return head.id == "\(Self.ann)/\(number)"
    }

    func willShow(_ count: Int) { platform.change { state, _ in state.leastBatch = count } }

    func wasKilled() {
        kills.withLock { $0 += 1 }
        changes.change { $0 += 1 }
    }

    func open() async throws {}

    func taken(_ count: Int) async throws -> [String] {
        _ = try await changes.wait(for: "\(count) messages") { [platform] _ in
            platform.shown(in: Self.ann).count >= count
        }
        return platform.shown(in: Self.ann).compactMap { $0["text"]?.stringValue }
    }

    /// Waits until something is true of the platform.
    func wait(
        for what: String, within limit: Duration = .seconds(30), until isMet: @escaping @Sendable (BotPlatform) -> Bool
    ) async throws {
        _ = try await changes.wait(for: what, within: limit) { [platform] _ in isMet(platform) }
    }

    func close() async {
        proxy?.stop()
        await server.stop()
    }

    private static func write(_ text: String, to path: String) throws {
        let file = fopen(path, "w")
        guard let file else { throw TestTimeout(what: "a file at \(path)") }
        defer { fclose(file) }
        fchmod(fileno(file), 0o600)
        fputs(text, file)
    }
}
