import BusProtocol

/// The queue `commands`: one lane for each chat, and the memory of what was carried out. Pure.
///
/// A key is carried out at most once by one process: a known key is answered from memory, one under way is not
/// started again. Past its limit the queue answers `retry`, so that the router keeps the command.
struct CommandLanes {
    struct Limits {
        /// Chats with a command under way at once.
        var lanes = 16
        /// Commands that wait for their lane.
        var waiting = 1024
        /// Keys whose outcome is remembered; the oldest are forgotten first.
        var remembered = 4096
    }

    enum Action: Hashable {
        case start(PlatformCommand)
        case answer(key: String, SendOutcome)
    }

    private let limits: Limits
    private let abilities: Abilities
    private var waiting: [PlatformCommand] = []
    /// The chat of each key under way or waiting.
    private var known: [String: String] = [:]
    private var busyChats: Set<String> = []
    private var outcomes: [String: SendOutcome] = [:]
    /// The newest attempt at each key that is under way or remembered.
    private var attempts: [String: Int64] = [:]
    private var order: [String] = []
    private var oldest = 0

    init(abilities: Abilities, limits: Limits = Limits()) {
        self.abilities = abilities
        self.limits = limits
    }

    var underWayCount: Int { busyChats.count }
    var isIdle: Bool { known.isEmpty }

    private var isIdempotent: Bool { abilities.features.contains("idempotent") }

    /// The attempt that an answer for this key is about.
    func attempt(of key: String) -> Int64 { attempts[key] ?? 1 }

    mutating func arrive(_ command: PlatformCommand) -> [Action] {
        let lastAttempt = attempts.updateValue(command.attempt, forKey: command.key)
        if known[command.key] != nil { return [] }  // its RESULT comes
        switch outcomes[command.key] {
        // The router asks what became of this very attempt: its `retry` is on the way, and to start now would be to carry
        // out what the router may give to another process.
        case .some(let outcome) where command.again && lastAttempt == command.attempt && outcome.isRetry:
            return [.answer(key: command.key, outcome)]
        case .some(.unknown) where isIdempotent: forget(command.key)
        // Nothing was sent then, and this process knows it.
        case .some(.retry): forget(command.key)
        case .some(let outcome): return [.answer(key: command.key, outcome)]
        // Marked `again` or not: the router repeats a command only to the process it gave it to. One that does not know
        // the key never got it.
        case .none: break
        }
        guard abilities.verbs.contains(command.verb) else {
            return answer(command, .rejected(reason: "this adapter cannot \(command.verb.prefix(32))"))
        }
        guard waiting.count < limits.waiting else {
            return answer(command, .retry(after: 1_000, reason: "the adapter has too much to send"))
        }
        known[command.key] = command.chat
        waiting.append(command)
        return startNext()
    }

    private mutating func answer(_ command: PlatformCommand, _ outcome: SendOutcome) -> [Action] {
        attempts[command.key] = command.attempt
        remember(command.key, outcome)
        return [.answer(key: command.key, outcome)]
    }

    mutating func finish(_ key: String, _ outcome: SendOutcome) -> [Action] {
        guard let chat = known.removeValue(forKey: key) else { return [] }
        busyChats.remove(chat)
        remember(key, outcome)
        return [.answer(key: key, outcome)] + startNext()
    }

    private mutating func startNext() -> [Action] {
        var actions: [Action] = []
        var index = 0
        // A chat that is busy is passed over, and so is all that waits behind it in its lane.
        while index < waiting.count, busyChats.count < limits.lanes {
            if busyChats.contains(waiting[index].chat) {
                index += 1
                continue
            }
            let command = waiting.remove(at: index)
            busyChats.insert(command.chat)
            actions.append(.start(command))
        }
        return actions
    }

    private mutating func remember(_ key: String, _ outcome: SendOutcome) {
        if outcomes.updateValue(outcome, forKey: key) != nil { return }
        order.append(key)
        guard order.count - oldest > limits.remembered else { return }
        outcomes[order[oldest]] = nil
        if known[order[oldest]] == nil { attempts[order[oldest]] = nil }
        oldest += 1
        if oldest > limits.remembered {
            order.removeFirst(oldest)
            oldest = 0
        }
    }

    private mutating func forget(_ key: String) {
        outcomes[key] = nil
        order.removeAll { $0 == key }
        oldest = min(oldest, order.count)
    }
}

extension SendOutcome {
    fileprivate var isRetry: Bool {
        if case .retry = self { return true }
        return false
    }
}
