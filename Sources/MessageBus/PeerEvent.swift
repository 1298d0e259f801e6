public import BusProtocol

public enum PeerEvent: Sendable {
    case welcomed(Welcome)
    /// The link is gone, or an attempt to open one failed; a new one is being opened. `code` is short and bounded:
    /// `disconnected`, `silence`, `no-answer`, `no-ack`, `handshake`, `gap`, `malformed`, `unexpected`, `reset-gap`,
    /// `reset-stranger`, `reset-epoch`, `transport`, or `bye-` and the router's code.
    case lost(code: String)
    /// The router will not have us (source taken, wrong key, fenced): final, the peer stops trying.
    case refused(Bye)
    /// Numbered messages up to here are committed, except the events named.
    case acknowledged(sequence: UInt64, refused: [RefusedEvent])
    /// The credit that is left for new events; ``BusPeer/credit`` is the same at any time.
    case credit(Credit)
    case delivered([Delivery])
    case commanded(PlatformCommand)
    case verdict(Verdict)
    case answered(id: String, Answer.Outcome)
    /// The router wants bytes of a file that this peer has.
    case fetch(Fetch)
    /// Bytes of a file that this peer asked for.
    case chunk(Chunk)
    /// The router refused one message by name.
    case error(Refusal)
}
