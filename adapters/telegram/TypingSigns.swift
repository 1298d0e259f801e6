import AdapterKit
import Synchronization

/// Keeps "is typing" alive: the platform shows it for five seconds.
final class TypingSigns: Sendable {
    static let period = Duration.seconds(4)
    /// Five minutes of it.
    static let repeats = 75

    private let server: any BotAPI
    private let moves: SharedMoves
    private let tasks = Mutex<[String: Task<Void, Never>]>([:])

    init(server: any BotAPI, moves: SharedMoves) {
        self.server = server
        self.moves = moves
    }

    func begin(_ command: PlatformCommand) {
        guard let chat = Int64(moves.value.platformID(of: command.chat)) else { return }
        var parameters: JSONObject = ["chat_id": .integer(chat), "action": "typing"]
        if let thread = command.thread.flatMap({ Int64($0) }), thread != CommandExecutor.general {
            parameters["message_thread_id"] = .integer(thread)
        }
        let task = Task { [server, parameters] in
            for _ in 0..<Self.repeats where !Task.isCancelled {
                do throws(CallFailure) {
                    _ = try await server.call("sendChatAction", parameters, within: 4)
                } catch {
                    return  // a sign is worth nothing later
                }
                guard await UpdatePoller.rest(Self.period) else { return }
            }
        }
        tasks.withLock { $0.updateValue(task, forKey: Self.key(command)) }?.cancel()
    }

    func end(_ command: PlatformCommand) {
        tasks.withLock { $0.removeValue(forKey: Self.key(command)) }?.cancel()
    }

    func stop() {
        let all = tasks.withLock { tasks in
            defer { tasks = [:] }
            return Array(tasks.values)
        }
        for task in all { task.cancel() }
    }

    private static func key(_ command: PlatformCommand) -> String { "\(command.chat)/\(command.thread ?? "")" }
}
