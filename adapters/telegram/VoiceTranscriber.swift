import AdapterKit
import Synchronization

#if canImport(Darwin)
    import Darwin
#else
    import Glibc
#endif

/// Makes text of voice notes by a command of the person's own choice. Off by default: nothing is run that is not configured.
struct VoiceTranscriber: Sendable {
    /// For one note, the way here included. Messages behind it wait so long.
    static let patience = Duration.seconds(60)
    /// Longest text that is taken, in bytes.
    static let textLimit = 16 << 10
    static let sizeLimit: Int64 = 20 << 20

    /// The program and its arguments; the note's path is the last.
    let command: [String]
    let reader: FileReader
    /// Where the note lies meanwhile.
    let folder: String

    /// - Returns: `nil` when there is no text to be had; the note itself can be fetched all the same.
    func text(of file: String) async -> String? {
        let path = "\(folder)/voice-\(RandomBytes.hexadecimal(count: 8)).ogg"
        defer { unlink(path) }
        guard await load(file, to: path) else { return nil }
        return await run(path)
    }

    private func load(_ file: String, to path: String) async -> Bool {
        do {
            var bytes: [UInt8] = []
            switch try await reader.content(file, limit: Self.sizeLimit) {
            case .bytes(let whole): bytes = whole
            case .file(let source, _): bytes = try SmallFile.read(source, limit: Int(Self.sizeLimit)) ?? []
            case .stream(let stream):
                for try await part in stream {
                    bytes += part
                    guard bytes.count <= Self.sizeLimit else { return false }
                }
            }
            try PrivateFile.replace(path, bytes)
            return true
        } catch {
            return false  // the message goes on without its text
        }
    }

    private func run(_ path: String) async -> String? {
        let child: ChildProcess
        let said = Said()
        do throws(HomeError) {
            guard let name = command.first, let program = try ProgramFinder.find(name) else { return nil }
            var call = ChildCommand(program, command.dropFirst() + [path], hasLifeline: false)
            call.output = .pipe
            call.errors = .null
            child = try ChildProcess.start(call)
            if let output = child.output { try said.read(output) }
        } catch {
            return nil
        }
        let timer = Task {
            guard await UpdatePoller.rest(Self.patience) else { return }
            child.signal(SIGKILL)
        }
        let status = await child.exit()
        timer.cancel()
        let text = await said.text()
        return status.isSuccess && text.contains { !$0.isWhitespace } ? text : nil
    }

    /// What a program says on its standard output, up to a limit; the rest is read and forgotten.
    private final class Said: Sendable {
        private struct State {
            var bytes: [UInt8] = []
            var isOver = false
            var waiter: CheckedContinuation<Void, Never>?
        }

        private let state = Mutex(State())

        func read(_ file: Int32) throws(HomeError) {
            try SystemThread.start("transcribe") { [self] in
                var chunk = [UInt8](repeating: 0, count: 4096)
                while true {
                    let count = systemRead(file, &chunk)
                    if count < 0, errno == EINTR { continue }
                    guard count > 0 else { break }
                    state.withLock { state in
                        let room = VoiceTranscriber.textLimit - state.bytes.count
                        state.bytes += chunk[..<min(count, max(0, room))]
                    }
                }
                close(file)
                let waiter = state.withLock { state in
                    state.isOver = true
                    return state.waiter.take()
                }
                waiter?.resume()
            }
        }

        func text() async -> String {
            await withCheckedContinuation { continuation in
                let isOver = state.withLock { state in
                    if !state.isOver { state.waiter = continuation }
                    return state.isOver
                }
                if isOver { continuation.resume() }
            }
            return state.withLock { String(decoding: $0.bytes, as: UTF8.self) }
        }
    }
}

private func systemRead(_ file: Int32, _ buffer: inout [UInt8]) -> Int {
    #if canImport(Darwin)
        Darwin.read(file, &buffer, buffer.count)
    #else
        Glibc.read(file, &buffer, buffer.count)
    #endif
}
