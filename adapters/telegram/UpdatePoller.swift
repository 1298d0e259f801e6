import AdapterKit
import Synchronization

/// Reads updates by long polling. An offset is told to the server only after the router committed all that stands
/// before it, because the server forgets what is below an offset it was told.
struct UpdatePoller: Sendable {
    /// How long the server may hold a poll, in seconds, and how long we wait for its answer: a half-open socket is
    /// found, and health is red, well within 90 s of the last poll that ended.
    static let hold: Int64 = 30
    static let patience: Int64 = 45
    /// The longest wait between two tries: receiving goes on within a minute of the cause going away.
    static let longestWait = Duration.seconds(20)

    let connection: AdapterConnection
    let server: any BotAPI
    let reader: UpdateReader
    let taps: TapAnswers
    let moves: SharedMoves
    let transcriber: VoiceTranscriber?

    func run() async throws {
        var journal = ReadingJournal(cursor: connection.cursor)
        moves.learn(journal.moves)
        var weather = Weather(bot: reader.bot, report: { [connection] in connection.report($0, reason: $1) })
        while !Task.isCancelled {
            guard await connection.welcomed() else { break }
            let start = ContinuousClock.now
            let updates: [JSONValue]
            do throws(CallFailure) {
                // Until one poll went well nobody knows that we hear: it is not held.
                updates = try await poll(journal.offset, hold: weather.isUp ? Self.hold : 0)
                weather.cleared()
            } catch {
                if Task.isCancelled { break }
                if let problem = Self.mend(error) { throw AdapterFailure(problem) }
                let wait = weather.failed(error, after: start.duration(to: .now))
                connection.log.notice("poll failed", metadata: ["reason": "\(error.reason)"])
                guard await Self.rest(wait) else { break }
                continue
            }
            guard let next = Self.next(after: updates) else { continue }
            for update in updates {
                if let tap = update["callback_query"]?["id"]?.stringValue { taps.begin(tap) }
            }
            var read = journal
            guard try await publish(updates, next: next, &read) else { break }
            journal = read
        }
        if let offset = journal.offset { await commit(offset) }
    }

    /// One past the last update as the server gave them: after a quiet week its numbers may begin anew, and lower.
    static func next(after updates: [JSONValue]) -> Int64? {
        guard let last = updates.last?["update_id"]?.integerValue, last < Int64.max else { return nil }
        return last + 1
    }

    private func poll(_ offset: Int64?, hold: Int64) async throws(CallFailure) -> [JSONValue] {
        var parameters: JSONObject = [
            "timeout": .integer(hold), "limit": 100,
            "allowed_updates": .array(UpdateReader.kinds.map(JSONValue.string)),
        ]
        if let offset { parameters["offset"] = .integer(offset) }
        let result = try await server.call("getUpdates", parameters, within: Self.patience)
        guard let updates = result.arrayValue else {
            throw CallFailure(cause: .uncertain, reason: "the server answered getUpdates without a list")
        }
        return updates
    }

    /// - Returns: whether all is committed; `false` when the adapter stops first.
    private func publish(_ updates: [JSONValue], next: Int64, _ journal: inout ReadingJournal) async throws -> Bool {
        let now = SystemTime.milliseconds
        journal.moves.merge(moves.value)
        var events: [Event] = []
        for update in updates {
            guard var event = reader.event(update, now: now, &journal) else { continue }
            if let transcriber, let voice = MessageText.voice(update["message"]),
                let text = await transcriber.text(of: voice)
            {
                event.body.text += "\n\(text)"
            }
            events.append(event)
        }
        journal.offset = next
        moves.learn(journal.moves)
        do throws(PublishError) {
            let publication = try await connection.publish(events, cursor: journal.cursor)
            for refusal in publication.refused {
                connection.log.notice("event refused", metadata: ["code": "\(refusal.code)"])
            }
            return true
        } catch {
            guard error.code != .stopped, error.code != .cancelled else { return false }
            throw error
        }
    }

    /// The last commit: without it the server would show the tail again, which costs only duplicates.
    private func commit(_ offset: Int64) async {
        guard connection.isWelcomed else { return }
        // A task of its own, because this one is cancelled already.
        await Task { [server, connection] in
            do throws(CallFailure) {
                let parameters: JSONObject = ["offset": .integer(offset), "limit": 1, "timeout": 0]
                _ = try await server.call("getUpdates", parameters, within: 2)
            } catch {
                connection.log.info("last commit failed", metadata: ["reason": "\(error.reason)"])
            }
        }.value
    }

    /// What only a person can mend.
    static func mend(_ failure: CallFailure) -> AdapterProblem? {
        guard failure.cause == .refused(401) || failure.cause == .refused(404) else { return nil }
        return AdapterProblem(
            path: "token", code: "token", message: "the server does not know this token",
            mend: "take the token from BotFather (/token), or a new one (/revoke), and put it where `token` leads")
    }

    /// - Returns: `false` when the task was cancelled.
    static func rest(_ wait: Duration) async -> Bool {
        do {
            try await Task.sleep(for: wait)
            return true
        } catch {
            return false  // the adapter stops
        }
    }
}

/// The moves of groups as the reading and the sending half know them.
final class SharedMoves: Sendable {
    private let moves = Mutex(ChatMoves())

    var value: ChatMoves { moves.withLock { $0 } }

    func learn(_ others: ChatMoves) { moves.withLock { $0.merge(others) } }
    func learn(old: String, new: String) { moves.withLock { $0.add(old: old, new: new) } }
}

/// How polling goes, and what is said of it.
struct Weather {
    let bot: UpdateReader.Bot?
    let report: (Health.State, String?) -> Void
    /// Milliseconds since 1970, for people.
    let clock: () -> Int64
    private var failures = 0
    private var since: Int64?
    private(set) var isUp = false

    init(
        bot: UpdateReader.Bot? = nil, report: @escaping (Health.State, String?) -> Void,
        clock: @escaping () -> Int64 = { SystemTime.milliseconds }
    ) {
        self.bot = bot
        self.report = report
        self.clock = clock
    }

    mutating func cleared() {
        if !isUp { report(.up, nil) }
        isUp = true
        failures = 0
        since = nil
    }

    /// - Parameter elapsed: how long the call that failed took: a wait that is over already is not waited again.
    /// - Returns: how long to wait before the next try.
    mutating func failed(_ failure: CallFailure, after elapsed: Duration = .zero) -> Duration {
        isUp = false
        failures += 1
        let start = since ?? clock()
        since = start
        let name = bot.map { "@\($0.username)" } ?? "the bot"
        let day = Self.time(start)
        let isConflict = failure.cause == .refused(409)
        report(
            .deaf,
            isConflict
                ? "another program polls \(name), or a webhook is set, since \(day) UTC: stop it; we keep trying (\(failure.reason))"
                : "\(name) hears nothing since \(day) UTC: \(failure.reason)")
        if let seconds = failure.retryAfter { return .seconds(min(max(seconds, 1), 3600)) }
        // Two pollers end each other's polls: the first wait after a conflict is long enough for the other to be seen.
        let first = isConflict ? 4000 : 500
        let wait = min(Duration.milliseconds(first << min(failures - 1, 6)), UpdatePoller.longestWait)
        return isConflict ? wait : max(.milliseconds(100), wait - elapsed)
    }

    /// Hours, minutes and seconds.
    private static func time(_ milliseconds: Int64) -> String {
        let seconds = milliseconds / 1000 % 86_400
        return [seconds / 3600, seconds / 60 % 60, seconds % 60].map { $0 < 10 ? "0\($0)" : "\($0)" }
            .joined(separator: ":")
    }
}
