import MessageBus
import Synchronization

/// What other threads say to the loop: stop, reload, and what readers found out. Each call wakes the loop.
final class Control: Sendable {
    private struct State {
        var isStopped = false
        var wantsReload = false
        /// Bounded by the reader's own queue: an answer is made only for a request that was taken.
        var answers: [ReadAnswer] = []
        /// One for each order that the core made.
        var reports: [FileReport] = []
        /// Bounded by the file thread's tasks and by what a pull may have under way.
        var speeches: [FileSpeech] = []
    }

    private let state = Mutex(State())
    private let waker: BusWaker

    init(waker: BusWaker) {
        self.waker = waker
    }

    var isStopped: Bool { state.withLock { $0.isStopped } }

    func stop() {
        state.withLock { $0.isStopped = true }
        waker.wake()
    }

    func requestReload() {
        state.withLock { $0.wantsReload = true }
        waker.wake()
    }

    func deliver(_ answer: ReadAnswer) {
        state.withLock { $0.answers.append(answer) }
        waker.wake()
    }

    func deliver(_ report: FileReport) {
        state.withLock { $0.reports.append(report) }
        waker.wake()
    }

    func deliver(_ speech: FileSpeech) {
        state.withLock { $0.speeches.append(speech) }
        waker.wake()
    }

    func takeReports() -> [FileReport] {
        state.withLock { state in
            defer { state.reports = [] }
            return state.reports
        }
    }

    func takeSpeeches() -> [FileSpeech] {
        state.withLock { state in
            defer { state.speeches = [] }
            return state.speeches
        }
    }

    func takeAnswers() -> [ReadAnswer] {
        state.withLock { state in
            defer { state.answers = [] }
            return state.answers
        }
    }

    func takeReload() -> Bool {
        state.withLock { state in
            defer { state.wantsReload = false }
            return state.wantsReload
        }
    }
}
