import BusProtocol
import MessageBus

/// What the kit needs of the bus; tests put a scripted one in its place.
protocol BusPort: Sendable {
    @discardableResult
    func send(_ message: PeerMessage.Numbered) throws(BusError) -> UInt64
    /// What the router still takes, all that was sent counted.
    var credit: Credit { get }
    func report(_ health: Health)
    /// Files go by pieces that are asked for; what is dropped here is asked for again.
    @discardableResult
    func send(_ fetch: Fetch) -> Bool
    @discardableResult
    func send(_ chunk: Chunk) -> Bool
}

extension BusPeer: BusPort {}
