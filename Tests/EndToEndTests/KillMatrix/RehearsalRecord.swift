import JSON
import SwitchboardTesting

/// What the sessions of a rehearsal were written and told, in the order it happened.
final class RehearsalRecord: Sendable {
    /// One channel event on a session's stdout.
    struct Writing: Sendable {
        let number: Int64
        let chat: String
        /// `left-3`: the third process of the session `left`.
        let incarnation: String
        /// The attribute `redelivery`; 0 when there is none.
        let redelivery: Int64
    }

    /// What Claude was told about a reply.
    enum Told: Hashable, Sendable {
        case status(String)
        /// The tool's error.
        case failure(String)
        /// The endpoint was killed first.
        case nothing
    }

    struct Reply: Sendable {
        let chat: String
        let text: String
        let incarnation: String
        var told: Told?
    }

    struct State: Sendable {
        var writings: [Writing] = []
        var seen: Set<Int64> = []
        var replies: [String: Reply] = [:]
        /// Replies of each incarnation that wait for their answer.
        var open: [String: Int] = [:]
        /// Messages that each incarnation has not heard an answer to its reply to.
        var owed: [String: Int] = [:]
        /// Messages that could not be understood.
        var strange: [String] = []
        /// Counts new messages and answers; what only comes once more is no progress.
        var progress = 0
    }

    let state = Watched(State())

    func wrote(_ writing: Writing) {
        state.change { state in
            state.writings.append(writing)
            if state.seen.insert(writing.number).inserted { state.progress += 1 }
            state.owed[writing.incarnation, default: 0] += 1
        }
    }

    func asks(_ key: String, _ reply: Reply) {
        state.change { state in
            state.replies[key] = reply
            state.open[reply.incarnation, default: 0] += 1
        }
    }

    func told(_ key: String, _ result: JSONValue) {
        let told: Told
        if result["isError"]?.boolValue == true {
            told = .failure(result["content"]?.arrayValue?.first?["text"]?.stringValue ?? "")
        } else {
            told = .status(result["structuredContent"]?["status"]?.stringValue ?? "")
        }
        state.change { state in
            guard let reply = state.replies[key], reply.told == nil else {
                state.strange.append("an answer to \(key) that nobody waits for")
                return
            }
            state.replies[key]?.told = told
            state.open[reply.incarnation, default: 0] -= 1
            state.owed[reply.incarnation, default: 0] -= 1
            state.progress += 1
        }
    }

    func strange(_ text: String) { state.change { $0.strange.append(text) } }

    /// The process of a session is gone: it is told nothing any more.
    func ended(_ incarnation: String) {
        state.change { state in
            for (key, reply) in state.replies where reply.incarnation == incarnation && reply.told == nil {
                state.replies[key]?.told = .nothing
            }
            state.open[incarnation] = nil
            state.owed[incarnation] = nil
        }
    }
}
