import BusProtocol
import Dispatch
import Logging
import MessageBus
import MessageStore
import Synchronization

/// Where bytes of files are read and written: a thread of its own, so that the loop never waits for a disk.
///
/// Queue `files`: at most ``limit`` tasks. A chunk past it is dropped and asked for again; an order past it fails.
final class FileThread: Sendable {
    static let limit = 512

    private struct State {
        var tasks: [FileTask] = []
        var isStopped = false
        var thread: DedicatedThread?
    }

    private let state = Mutex(State())
    private let bell = DispatchSemaphore(value: 0)
    private let shelf: FileShelf
    private let store: MessageStore
    private let limits: FileLimits
    private let clock: @Sendable () -> Moment
    private let logger: Logger
    private let control: Control

    init(
        shelf: FileShelf, store: MessageStore, limits: FileLimits, clock: @escaping @Sendable () -> Moment,
        logger: Logger, control: Control
    ) {
        self.shelf = shelf
        self.store = store
        self.limits = limits
        self.clock = clock
        self.logger = logger
        self.control = control
    }

    func enqueue(_ task: FileTask) {
        let isTaken = state.withLock { state in
            guard state.tasks.count < Self.limit, !state.isStopped else { return false }
            state.tasks.append(task)
            return true
        }
        if isTaken {
            bell.signal()
        } else if let id = task.orderID {
            let failure = FetchFailure(.unavailable, "too many files are under way: try again in a moment")
            control.deliver(FileReport(id: id, outcome: .failure(failure)))
        }
    }

    func start() throws(BusError) {
        let thread = try DedicatedThread(name: "files") { [self] in run() }
        state.withLock { $0.thread = thread }
    }

    /// Returns when the thread has ended.
    func stop() {
        let thread = state.withLock { state in
            state.isStopped = true
            return state.thread
        }
        bell.signal()
        thread?.join()
    }

    private func run() {
        let transfers = FileTransfers(shelf: shelf, store: store) { [control] in
            control.deliver($0)
        } say: {
            [control] in
            control.deliver($0)
        }
        var keeper = ShelfKeeper(shelf: shelf, store: store, limits: limits, logger: logger)
        keeper.removeStrangers()
        while true {
            let (tasks, isStopped) = state.withLock { state in
                defer { state.tasks = [] }
                return (state.tasks, state.isStopped)
            }
            if isStopped { return }
            let now = clock()
            for task in tasks {
                if case .limits(let limits) = task { keeper.limits = limits }
                transfers.perform(task, now: now.uptime)
            }
            transfers.tick(now: now.uptime)
            keeper.tick(hasNewFile: transfers.takeStoredSome(), now)
            let next = min(keeper.deadline, transfers.deadline ?? .max)
            guard tasks.isEmpty else { continue }
            _ = bell.wait(timeout: .now() + .milliseconds(Int(max(1, min(next - now.uptime, 3_600_000)))))
        }
    }
}
