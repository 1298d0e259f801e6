import Logging
import MessageStore

/// Keeps the shelf to its room, and to what the store knows. Belongs to the file thread.
struct ShelfKeeper {
    /// Between two looks at what nothing refers to any more, and how long a file may be without a reference: its event
    /// or its reply may be on its way. In milliseconds.
    private static let interval: Int64 = 3_600_000
    private static let grace: Int64 = 86_400_000
    /// Files that one turn takes off the books.
    private static let rows = 200

    let shelf: FileShelf
    let store: MessageStore
    var limits: FileLimits
    let logger: Logger
    private(set) var deadline: Int64 = 0

    init(shelf: FileShelf, store: MessageStore, limits: FileLimits, logger: Logger) {
        self.shelf = shelf
        self.store = store
        self.limits = limits
        self.logger = logger
    }

    mutating func tick(hasNewFile: Bool, _ now: Moment) {
        guard hasNewFile || now.uptime >= deadline else { return }
        if deadline == 0 { deadline = now.uptime + Self.interval }
        do {
            // The new file is not on the books yet; it is when this looks the next time.
            let released = try store.turn { turn in
                try turn.releaseFiles(over: limits.total, grace: Self.grace, rows: Self.rows, now: now.wall)
            }
            for file in released { shelf.remove(file) }
            if !released.isEmpty {
                logger.info("files removed", metadata: ["count": "\(released.count)"])
            }
            // More than one turn's worth: go on soon.
            deadline = now.uptime + (released.count < Self.rows ? Self.interval : 1_000)
        } catch {
            // The loop meets the same failure at its next commit and says so; this tries again later.
            deadline = now.uptime + Self.interval
        }
    }

    /// At the start: files that a crash left without a line on the books.
    func removeStrangers() {
        do {
            for name in try shelf.names() where try !store.read({ try $0.hasFile(named: name) }) {
                shelf.remove(named: name)
            }
        } catch {
            logger.warning("the folder of files cannot be checked", metadata: ["reason": "\(error)"])
        }
    }
}
