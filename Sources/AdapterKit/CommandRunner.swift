import BusProtocol
import Logging
import MessageBus
import Synchronization

/// The commanding half of a connection: carries commands out in their lanes and reports every outcome, numbered.
final class CommandRunner: Sendable {
    typealias Execution = @Sendable (PlatformCommand) async -> SendOutcome

    private struct State {
        var lanes: CommandLanes
        /// `nil` while no adapter runs.
        var execution: Execution?
        /// Why none does.
        var absence = "the adapter starts"
        /// The queue `results`: what the bus had no room for. At most one for each command that was taken.
        var unsent: [CommandResult] = []
        var whenIdle: [CheckedContinuation<Void, Never>] = []
    }

    private let port: any BusPort
    private let log: Logger
    private let state: Mutex<State>

    init(port: any BusPort, abilities: Abilities, lanes: Int, log: Logger) {
        self.port = port
        self.log = log
        var limits = CommandLanes.Limits()
        limits.lanes = max(1, lanes)
        state = Mutex(State(lanes: CommandLanes(abilities: abilities, limits: limits)))
    }

    func begin(_ execution: @escaping Execution) { state.withLock { $0.execution = execution } }

    /// From now on commands are answered `retry`; those under way go on.
    func end(because reason: String) {
        state.withLock { state in
            state.execution = nil
            state.absence = reason
        }
    }

    func commanded(_ command: PlatformCommand) {
        perform(state.withLock { act($0.lanes.arrive(command), &$0) })
    }

    /// The bus has room again.
    func acknowledged() { state.withLock { flush(&$0) } }

    /// Returns when no command is under way.
    func idle() async {
        await withCheckedContinuation { continuation in
            let isIdle = state.withLock { state in
                guard !state.lanes.isIdle else { return true }
                state.whenIdle.append(continuation)
                return false
            }
            if isIdle { continuation.resume() }
        }
    }

    private func finish(_ command: PlatformCommand, _ outcome: SendOutcome) {
        let (starts, idlers) = state.withLock { state in
            let starts = act(state.lanes.finish(command.key, outcome), &state)
            guard state.lanes.isIdle else { return (starts, [CheckedContinuation<Void, Never>]()) }
            defer { state.whenIdle = [] }
            return (starts, state.whenIdle)
        }
        idlers.forEach { $0.resume() }
        perform(starts)
    }

    private func perform(_ starts: [(PlatformCommand, Execution?)]) {
        for (command, execution) in starts {
            Task {
                if let execution {
                    finish(command, await execution(command))
                } else {
                    finish(command, .retry(after: 5_000, reason: state.withLock { $0.absence }))
                }
            }
        }
    }

    /// Answers go out under the lock, so that their sequence is the order in which they came about.
    private func act(_ actions: [CommandLanes.Action], _ state: inout State) -> [(PlatformCommand, Execution?)] {
        var starts: [(PlatformCommand, Execution?)] = []
        for action in actions {
            switch action {
            case .start(let command): starts.append((command, state.execution))
            case .answer(let key, let outcome):
                log.debug("command done", metadata: ["command": "\(key)", "outcome": "\(outcome.word)"])
                state.unsent.append(CommandResult(key: key, attempt: state.lanes.attempt(of: key), outcome: outcome))
            }
        }
        flush(&state)
        return starts
    }

    private func flush(_ state: inout State) {
        var sent = 0
        for result in state.unsent {
            do throws(BusError) {
                try port.send(.result(result))
                sent += 1
            } catch {
                break  // the next acknowledgement makes room
            }
        }
        state.unsent.removeFirst(sent)
    }
}

extension SendOutcome {
    /// A bounded word for logs.
    var word: String {
        switch self {
        case .sent: return "sent"
        case .rejected: return "rejected"
        case .retry: return "retry"
        case .unknown: return "unknown"
        }
    }
}
