import BusProtocol
import ChannelEvents
import JSON
import OperatingHome
import SwitchboardTesting
import Synchronization
import Testing

/// The file clauses of the contract, against an adapter that gives and takes files.
@Suite(.serialized, .timeLimit(.minutes(2))) struct ScriptedContractTests {
    @Test(arguments: [AdapterContract.Clause.attachments, .files, .order, .killAndResume])
    func contract(_ clause: AdapterContract.Clause) async throws {
        let fixture = ScriptedFixture()
        defer { fixture.close() }
        try await AdapterContract(fixture).check(clause)
    }
}

private final class ScriptedFixture: AdapterFixture {
    let program = "switchboard-scripted"
    let settings: JSONValue = [:]
    let chat = "ann"
    private struct NotOpen: Error {}

    private let opened = Mutex<ScriptedPlatform?>(nil)

    private var platform: ScriptedPlatform {
        get throws {
            guard let platform = opened.withLock({ $0 }) else {
                throw NotOpen()
            }
            return platform
        }
    }

    func prepare(_ places: Places, source: String) throws {
        let platform = try ScriptedPlatform(places, source: source)
        opened.withLock { $0 = platform }
    }

    func close() { opened.withLock { $0 }?.close() }

    func isUp(_ health: Health) async throws {}

    private func post(_ body: EventBody, _ identity: String) async throws -> AdapterContract.Shown {
        let head = EventHead(id: identity, chat: chat, sender: "ann", flags: .direct, time: 1_795_442_664_123)
        try await platform.committed(try platform.post(Event(head: head, body: body)))
        return .acknowledged
    }

    func show(_ text: String, identity: String) async throws -> AdapterContract.Shown {
        try await post(EventBody(text: text), identity)
    }

    func show(file: [UInt8], identity: String) async throws -> AdapterContract.Shown? {
        let attachment = try platform.attach(file, id: "long", name: "long.bin")
        return try await post(EventBody(text: "", attachments: [attachment]), identity)
    }

    func open() async throws {}

    func taken(_ count: Int) async throws -> [String] {
        while try platform.commands.count < count { await Task.yield() }
        return try platform.commands.map { $0.arguments["text"]?.stringValue ?? "" }
    }

    func takenFiles() async throws -> [[UInt8]]? {
        let platform = try platform
        let command = try await platform.command { $0.arguments["files"] != nil }
        return platform.files(of: command.key).map(\.bytes)
    }
}
