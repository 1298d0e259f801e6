import OperatingHome

#if canImport(Darwin)
    import Darwin
#else
    import Glibc
#endif

/// `switchboard up --detach`: starts a supervisor in a session of its own and shows what it says until it is ready.
enum DetachedStart {
    /// The byte by which the supervisor says that it is ready; its words before it are for the terminal.
    static let readyMark: UInt8 = 0

    static func start(_ places: Places) throws {
        if let pid = try FileLock.holder(places.supervisorLock) {
            return Terminal.say("switchboard runs already as process \(pid); see: switchboard status")
        }
        var command = ChildCommand(try ProgramFinder.ownPath(), ["up", "--background"], hasLifeline: false)
        command.isDetached = true
        command.output = .pipe
        command.errors = .null
        let child = try ChildProcess.start(command)
        guard let output = child.output else { throw CommandFailure("no pipe to the supervisor") }
        defer { close(output) }
        var words: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 4096)
        while true {
            let count = read(output, &chunk, chunk.count)
            if count < 0 && errno == EINTR { continue }
            guard count > 0 else { break }
            words += chunk[..<count]
            if let mark = words.firstIndex(of: readyMark) {
                Terminal.write(Array(words[..<mark]), to: 1)
                return
            }
        }
        // The pipe ended without the mark: what was said is why.
        while words.last == 0x0A { words.removeLast() }
        throw CommandFailure(
            words.isEmpty
                ? "switchboard did not start; see \(places.logFile("up"))" : String(decoding: words, as: UTF8.self))
    }
}
