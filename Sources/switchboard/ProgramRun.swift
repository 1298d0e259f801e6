import Dispatch
import OperatingHome
import Synchronization

#if canImport(Darwin)
    import Darwin
#else
    import Glibc
#endif

/// A program run to its end, with what it said.
struct ProgramRun: Sendable {
    let status: ExitStatus
    let output: [UInt8]
    let errors: [UInt8]

    /// Bytes of output and of errors that are kept; the rest is read and forgotten.
    static let limit = 4 << 20

    /// - Parameters:
    ///   - environment: what is added to ours.
    ///   - seconds: after which the program is killed.
    /// - Throws: ``HomeError`` when it cannot start, ``CommandFailure`` when it does not end in time.
    static func run(_ program: String, _ arguments: [String], environment: [String: String] = [:], seconds: Int = 20)
        throws -> ProgramRun
    {
        var command = ChildCommand(program, arguments, hasLifeline: false)
        command.environment.merge(environment) { $1 }
        command.output = .pipe
        command.errors = .pipe
        let child = try ChildProcess.start(command)
        let texts = Mutex<(output: [UInt8], errors: [UInt8])>(([], []))
        let done = DispatchGroup()
        try read(child.output, into: { bytes in texts.withLock { $0.output = bytes } }, done)
        try read(child.errors, into: { bytes in texts.withLock { $0.errors = bytes } }, done)
        done.enter()
        child.onExit { _ in done.leave() }
        guard done.wait(timeout: .now() + .seconds(seconds)) == .success, let status = child.status else {
            child.signal(SIGKILL)
            throw CommandFailure("\(program) did not end within \(seconds) seconds and was killed")
        }
        let (output, errors) = texts.withLock { $0 }
        return ProgramRun(status: status, output: output, errors: errors)
    }

    private static func read(
        _ file: Int32?, into store: @escaping @Sendable ([UInt8]) -> Void, _ done: DispatchGroup
    ) throws(HomeError) {
        guard let file else { return }
        done.enter()
        do throws(HomeError) {
            try SystemThread.start("read") {
                var bytes: [UInt8] = []
                var chunk = [UInt8](repeating: 0, count: 65_536)
                while true {
                    #if canImport(Darwin)
                        let count = Darwin.read(file, &chunk, chunk.count)
                    #else
                        let count = Glibc.read(file, &chunk, chunk.count)
                    #endif
                    if count < 0 && errno == EINTR { continue }
                    guard count > 0 else { break }
                    if bytes.count < limit { bytes += chunk[..<count] }
                }
                close(file)
                store(bytes)
                done.leave()
            }
        } catch {
            done.leave()
            close(file)
            throw error
        }
    }
}
