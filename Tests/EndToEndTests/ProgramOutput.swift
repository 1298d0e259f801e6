import OperatingHome
import Synchronization

#if canImport(Darwin)
    import Darwin
#else
    import Glibc
#endif

/// What a child writes, collected by a thread, with a way to wait for a text in it.
final class ProgramOutput: Sendable {
    private struct State {
        var bytes: [UInt8] = []
        var isEnded = false
        var waiting: [@Sendable () -> Void] = []
    }
    private let state = Mutex(State())

    init(_ file: Int32) throws {
        try SystemThread.start("output") { [self] in
            var chunk = [UInt8](repeating: 0, count: 65_536)
            while true {
                let count = read(file, &chunk, chunk.count)
                if count < 0 && errno == EINTR { continue }
                guard count > 0 else { break }
                change { $0.bytes += chunk[..<count] }
            }
            close(file)
            change { $0.isEnded = true }
        }
    }

    var text: String { state.withLock { String(decoding: $0.bytes, as: UTF8.self) } }

    /// Returns when the text has come, or `false` when the output ended without it.
    func waitFor(_ text: String) async -> Bool {
        await waitFor { $0.contains(text) }
    }

    /// Everything, once the child has closed its output.
    func all() async -> String {
        _ = await waitFor { _ in false }
        return text
    }

    private func waitFor(_ condition: @escaping @Sendable (String) -> Bool) async -> Bool {
        while true {
            let found: Bool? = state.withLock { state in
                if condition(String(decoding: state.bytes, as: UTF8.self)) { return true }
                return state.isEnded ? false : nil
            }
            if let found { return found }
            await changed(unless: condition)
        }
    }

    private func changed(unless condition: @escaping @Sendable (String) -> Bool) async {
        await withCheckedContinuation { (continuation: CheckedContinuation<Void, Never>) in
            let isDue = state.withLock { state in
                if state.isEnded || condition(String(decoding: state.bytes, as: UTF8.self)) { return true }
                state.waiting.append { continuation.resume() }
                return false
            }
            if isDue { continuation.resume() }
        }
    }

    private func change(_ body: (inout State) -> Void) {
        let waiting = state.withLock { state in
            body(&state)
            defer { state.waiting = [] }
            return state.waiting
        }
        for resume in waiting { resume() }
    }
}
