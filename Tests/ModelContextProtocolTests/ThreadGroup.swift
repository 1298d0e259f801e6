import OperatingHome

#if canImport(Darwin)
    import Darwin
#else
    import Glibc
#endif

/// A few threads that do one thing each and are waited for through a pipe.
final class ThreadGroup: Sendable {
    private let count: Int
    private let body: @Sendable (Int) -> Void
    private let ends: (read: Int32, write: Int32)

    init(count: Int, _ body: @escaping @Sendable (Int) -> Void) {
        self.count = count
        self.body = body
        var pair: [Int32] = [-1, -1]
        precondition(pipe(&pair) == 0, "no pipe")
        ends = (pair[0], pair[1])
    }

    deinit {
        close(ends.read)
        close(ends.write)
    }

    func start() throws(HomeError) {
        for index in 0..<count {
            try SystemThread.start("test-\(index)") { [self] in
                body(index)
                var byte: UInt8 = 0
                _ = write(ends.write, &byte, 1)
            }
        }
    }

    func wait() {
        var byte: UInt8 = 0
        for _ in 0..<count { _ = read(ends.read, &byte, 1) }
    }
}
