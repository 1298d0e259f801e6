import BusProtocol
import JSON
import MessageBus
import OperatingHome

#if canImport(Darwin)
    import Darwin
#else
    import Glibc
#endif

/// One question of an operator's command to the router, and its answer.
enum RouterQuery {
    /// How long a router may take, in milliseconds; it has one even when it is draining a full queue.
    static let patience: Int64 = 10_000

    private enum Reply: Sendable {
        case answer(Answer.Outcome)
        case refused(Bye)
        case error(Refusal)
    }

    /// Asks and waits.
    /// - Throws: ``CommandFailure`` when no router runs, it does not answer, or it refuses.
    static func ask(
        _ name: String, _ arguments: JSONObject = [:], places: Places, patience: Int64 = patience
    ) throws -> JSONValue {
        guard let holder = try runningRouter(places) else { throw CommandFailure.noRouter(places) }
        try places.prepare()
        let replies = WaitingQueue<Reply>(name: "replies", limit: 16)
        let call = Call(id: RandomBytes.hexadecimal(count: 12), name: name, arguments: .object(arguments))
        let id = call.id
        let peer = BusPeer(address: .local(path: places.routerSocket), hello: hello(command: name)) { event in
            switch event {
            case .answered(id: id, let outcome): replies.put(.answer(outcome))
            case .refused(let bye): replies.put(.refused(bye))
            case .error(let refusal): replies.put(.error(refusal))
            default: break
            }
        }
        do {
            try peer.start()
            try peer.query(call)
        } catch {
            throw CommandFailure("cannot reach the router: \(error.message)")
        }
        let reply = replies.take(within: patience)
        peer.stop()
        switch reply {
        case .answer(.success(let value)): return value
        case .answer(.failure(_, let message)): throw CommandFailure(message)
        case .refused(let bye): throw CommandFailure("the router refuses this command (\(bye.code)): \(bye.message)")
        case .error(let refusal):
            throw CommandFailure("the router does not know this question (\(refusal.code)): \(refusal.message)")
        case nil:
            throw CommandFailure(
                "the router (process \(holder)) did not answer within \(patience / 1000) seconds; see `switchboard logs router`"
            )
        }
    }

    static func hello(command: String) -> Hello {
        Hello(
            role: .operator, name: command, program: SwitchboardVersion.current,
            instance: RandomBytes.hexadecimal(count: 16), pid: Int64(getpid()))
    }

    /// The router's pid by its lock; the socket file alone proves nothing.
    static func runningRouter(_ places: Places) throws(HomeError) -> Int32? {
        try FileLock.holder(places.routerLock)
    }
}
