import ArgumentParser
import BusProtocol
import ChannelSession
import Dispatch
import JSON
import MessageBus
import OperatingHome

#if canImport(Darwin)
    import Darwin
#else
    import Glibc
#endif

struct AttachCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "attach", abstract: "Be a session yourself: see what arrives, and answer it, without Claude Code.",
        discussion: """
            It attaches to the router like a Claude session and gets what such a one would get. A line that you type \
            answers the last message; `:help` says more.
            """)

    @Option(help: "The session's label, by which chats address it.")
    var session = "terminal"

    private enum Input: Sendable {
        case event(PeerEvent)
        case line(String)
        case end
    }

    /// Bounded by the credit that an endpoint gives, and a person's typing.
    private static let inputs = 1_024

    func run() throws {
        try CommandFailure.reporting {
            let places = try Places.current()
            guard try RouterQuery.runningRouter(places) != nil else { throw CommandFailure.noRouter(places) }
            try places.prepare()
            let inputs = WaitingQueue<Input>(name: "attach", limit: Self.inputs)
            let identity = SessionIdentity(
                label: session, project: Self.folder(), pid: Int64(getpid()), parent: Int64(getppid()),
                instance: RandomBytes.hexadecimal(count: 8))
            let peer = BusPeer(
                address: .local(path: places.routerSocket),
                hello: identity.hello(program: "switchboard attach \(Program.version)")
            ) { inputs.put(.event($0)) }
            do {
                try peer.start()
                try Self.readLines(into: inputs)
                try Self.converse(peer, inputs)
            } catch let error as BusError {
                throw CommandFailure("cannot reach the router: \(error.message)")
            }
            peer.stop(Bye(code: "session-ended", message: "the person left"))
        }
    }

    private static func folder() -> String {
        guard let folder = getcwd(nil, 0) else { return "/" }
        defer { free(folder) }
        return String(cString: folder)
    }

    private static func readLines(into inputs: WaitingQueue<Input>) throws(HomeError) {
        try SystemThread.start("lines") {
            while let line = readLine() { inputs.put(.line(line)) }
            inputs.put(.end)
        }
    }

    /// How long answers that are still open are waited for at the end, in milliseconds: as long as the router takes to
    /// say how a reply stands.
    private static let patience: Int64 = 12_000

    private static func converse(_ peer: BusPeer, _ inputs: WaitingQueue<Input>) throws {
        var person = PersonSession { RandomBytes.hexadecimal(count: 12) }
        var isEnding = false
        let forever: Int64 = 3_600_000
        while !(isEnding && person.open.isEmpty) {
            guard let input = inputs.take(within: isEnding ? patience : forever) else {
                if isEnding { throw CommandFailure("the router did not say what became of the last reply") }
                continue
            }
            switch input {
            case .end: isEnding = true
            case .line(let line):
                switch person.take(line) {
                case .show(let text): if !text.isEmpty { Terminal.say(text) }
                case .call(let call): try peer.call(call)
                case .end: isEnding = true
                }
            case .event(let event): try show(event, to: &person, peer)
            }
        }
    }

    private static func show(_ event: PeerEvent, to person: inout PersonSession, _ peer: BusPeer) throws {
        switch event {
        case .welcomed: Terminal.complain("attached; a line answers the last message, `:help` says more")
        case .lost(let code): Terminal.complain("the router is away (\(code)); waiting for it")
        case .refused(let bye): throw CommandFailure("the router refuses this session (\(bye.code)): \(bye.message)")
        case .delivered(let deliveries):
            for delivery in deliveries { Terminal.say(person.show(delivery)) }
            try peer.send(.receipt(Receipt(written: deliveries.map(\.id))))
        case .answered(let id, let outcome):
            if let text = person.noteAnswer(id, outcome) { Terminal.say(text) }
        case .error(let refusal): Terminal.complain("the router did not take that: \(refusal.message)")
        case .acknowledged, .credit, .commanded, .verdict, .fetch, .chunk: break
        }
    }
}
