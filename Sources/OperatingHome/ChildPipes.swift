#if canImport(Darwin)
    import Darwin
#else
    import Glibc
#endif

/// The descriptors between a child and its parent, all close-on-exec and above the numbers that the child gets them as.
struct ChildPipes {
    static let lifelineTarget: Int32 = 3

    /// What the child gets, and under which number.
    private(set) var childFiles: [(file: Int32, target: Int32)] = []
    private(set) var parentInput: Int32?
    private(set) var parentOutput: Int32?
    private(set) var parentErrors: Int32?
    private(set) var parentLifeline: Int32?

    init(_ command: ChildCommand) throws(HomeError) {
        do {
            switch command.input {
            case .inherit: break
            case .null: childFiles.append((try Self.open("/dev/null", O_RDONLY), 0))
            case .pipe:
                let (reading, writing) = try Self.pipe()
                childFiles.append((reading, 0))
                parentInput = writing
            }
            parentOutput = try add(command.output, target: 1)
            if !command.mergesErrors { parentErrors = try add(command.errors, target: 2) }
            if command.hasLifeline {
                let (reading, writing) = try Self.pipe()
                childFiles.append((reading, Self.lifelineTarget))
                parentLifeline = writing
            }
        } catch {
            closeAll()
            throw error
        }
    }

    private mutating func add(_ output: ChildCommand.Output, target: Int32) throws(HomeError) -> Int32? {
        switch output {
        case .inherit: return nil
        case .null: childFiles.append((try Self.open("/dev/null", O_WRONLY), target))
        case .file(let path): childFiles.append((try Self.open(path, O_WRONLY | O_CREAT | O_APPEND), target))
        case .pipe:
            let (reading, writing) = try Self.pipe()
            childFiles.append((writing, target))
            return reading
        }
        return nil
    }

    mutating func closeChildEnds() {
        for (file, _) in childFiles { close(file) }
        childFiles = []
    }

    mutating func closeAll() {
        closeChildEnds()
        for file in [parentInput, parentOutput, parentErrors, parentLifeline] {
            if let file { close(file) }
        }
    }

    private static func open(_ path: String, _ flags: Int32) throws(HomeError) -> Int32 {
        #if canImport(Darwin)
            let file = Darwin.open(path, flags | O_CLOEXEC, 0o600)
        #else
            let file = Glibc.open(path, flags | O_CLOEXEC, 0o600)
        #endif
        guard file >= 0 else { throw .system("open", path, errno: errno) }
        return try raised(file)
    }

    private static func pipe() throws(HomeError) -> (reading: Int32, writing: Int32) {
        var ends: [Int32] = [-1, -1]
        #if canImport(Darwin)
            let made = Darwin.pipe(&ends)
        #else
            let made = Glibc.pipe(&ends)
        #endif
        guard made == 0 else { throw .system("open", "a pipe", errno: errno) }
        // Neither system shows Swift a `pipe2`; ``ChildProcess/start(_:)`` starts one child at a time instead.
        for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
        let reading: Int32
        do { reading = try raised(ends[0]) } catch {
            close(ends[1])
            throw error
        }
        do { return (reading, try raised(ends[1])) } catch {
            close(reading)
            throw error
        }
    }

    /// Moves a descriptor out of the way of the child's own numbers: a `dup2` onto itself would leave close-on-exec set.
    private static func raised(_ file: Int32) throws(HomeError) -> Int32 {
        if file > lifelineTarget { return file }
        let moved = fcntl(file, F_DUPFD_CLOEXEC, lifelineTarget + 1)
        let code = errno
        close(file)
        guard moved >= 0 else { throw .system("move", "a descriptor", errno: code) }
        return moved
    }
}
