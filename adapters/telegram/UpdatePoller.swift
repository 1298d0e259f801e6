import AdapterKit

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
    let server: BotServer
    let reader: UpdateReader

    func run() async throws {
        var offset = connection.cursor?["offset"]?.integerValue
        var weather = Weather(report: { [connection] in connection.report($0, reason: $1) })
        while !Task.isCancelled {
            guard await connection.welcomed() else { break }
            let updates: [JSONValue]
            do throws(CallFailure) {
                updates = try await poll(offset)
                weather.cleared()
            } catch {
                if Task.isCancelled { break }
                if let problem = Self.mend(error) { throw AdapterFailure(problem) }
                let wait = weather.failed(error)
                connection.log.notice("poll failed", metadata: ["reason": "\(error.reason)"])
                guard await Self.rest(wait) else { break }
                continue
            }
            guard let next = Self.next(after: updates) else { continue }
            await acknowledgeTaps(updates)
            guard try await publish(updates, next: next) else { break }
            offset = next
        }
        if let offset { await commit(offset) }
    }

    /// One past the last update as the server gave them: after a quiet week its numbers may begin anew, and lower.
    static func next(after updates: [JSONValue]) -> Int64? {
        guard let last = updates.last?["update_id"]?.integerValue, last < Int64.max else { return nil }
        return last + 1
    }

    private func poll(_ offset: Int64?) async throws(CallFailure) -> [JSONValue] {
        var parameters: JSONObject = [
            "timeout": .integer(Self.hold), "limit": 100,
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
    private func publish(_ updates: [JSONValue], next: Int64) async throws -> Bool {
        let now = SystemTime.milliseconds
        let events = updates.compactMap { reader.event($0, now: now) }
        do throws(PublishError) {
            let publication = try await connection.publish(events, cursor: ["offset": .integer(next)])
            for refusal in publication.refused {
                connection.log.notice("event refused", metadata: ["code": "\(refusal.code)"])
            }
            return true
        } catch {
            guard error.code != .stopped, error.code != .cancelled else { return false }
            throw error
        }
    }

    /// The client of who pressed a button turns a wheel until it is answered.
    private func acknowledgeTaps(_ updates: [JSONValue]) async {
        for id in updates.compactMap({ $0["callback_query"]?["id"]?.stringValue }) {
            do throws(CallFailure) {
                _ = try await server.call("answerCallbackQuery", ["callback_query_id": .string(id)], within: 5)
            } catch {
                connection.log.info("tap not acknowledged", metadata: ["reason": "\(error.reason)"])
            }
        }
    }

    /// The last commit: without it the server would show the tail again, which costs only duplicates.
    private func commit(_ offset: Int64) async {
        guard connection.isWelcomed else { return }
        // A task of its own, because this one is cancelled already.
        await Task { [server, connection] in
            do throws(CallFailure) {
                let parameters: JSONObject = ["offset": .integer(offset), "limit": 1, "timeout": 0]
                _ = try await server.call("getUpdates", parameters, within: 3)
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

/// How polling goes, and what is said of it.
struct Weather {
    let report: (Health.State, String?) -> Void
    private var failures = 0
    private var isUp = false

    init(report: @escaping (Health.State, String?) -> Void) { self.report = report }

    mutating func cleared() {
        if !isUp { report(.up, nil) }
        isUp = true
        failures = 0
    }

    /// - Returns: how long to wait before the next try.
    mutating func failed(_ failure: CallFailure) -> Duration {
        isUp = false
        failures += 1
        let isConflict = failure.cause == .refused(409)
        report(
            .deaf,
            isConflict
                ? "another program polls this bot, or a webhook is set: stop it; we keep trying (\(failure.reason))"
                : failure.reason)
        if let seconds = failure.retryAfter { return .seconds(min(max(seconds, 1), 3600)) }
        // Two pollers end each other's polls: the first wait after a conflict is long enough for the other to be seen.
        let first = isConflict ? 4000 : 500
        let wait = Duration.milliseconds(first << min(failures - 1, 6))
        return min(wait, UpdatePoller.longestWait)
    }
}
