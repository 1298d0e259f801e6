import BusProtocol
import MessageBus

/// What the kit needs of the bus; tests put a scripted one in its place.
protocol BusPort: Sendable {
    @discardableResult
    func send(_ message: PeerMessage.Numbered) throws(BusError) -> UInt64
    /// What the router still takes, all that was sent counted.
    var credit: Credit { get }
    func report(_ health: Health)
}

extension BusPeer: BusPort {}
