public import BusProtocol
public import MessageBus

/// What a session needs of the bus. ``MessageBus/BusPeer`` is the real one; tests have one in memory.
///
/// Events come through the handler that its maker gave it, from any thread, one at a time.
public protocol RouterConnection: Sendable {
    func start() throws(BusError)
    /// Says goodbye and ends; returns when it has.
    func stop()
    /// - Throws: ``BusError`` with `queueFull` when too many receipts are unacknowledged.
    func send(_ receipt: Receipt) throws(BusError)
    /// - Throws: ``BusError`` with `queueFull`, or `oversize` when the router would never take it.
    func send(_ hook: HookReport) throws(BusError)
    /// - Throws: ``BusError`` with `queueFull`, or `oversize` when the router would never take it.
    func send(_ request: PermissionRequest) throws(BusError)
    /// Asks over any number of links until it is answered.
    func call(_ call: Call) throws(BusError)
    /// Gives bytes of a file; one that is dropped is asked for again.
    @discardableResult
    func send(_ chunk: Chunk) -> Bool
    /// The deliveries that the next HELLO names as written.
    func rememberWritten(_ deliveries: [Int64])
}

extension BusPeer: RouterConnection {
    public func stop() { stop(Bye(code: "session-ended", message: "Claude Code closed the session")) }
    public func send(_ receipt: Receipt) throws(BusError) { try send(.receipt(receipt)) }
    public func send(_ hook: HookReport) throws(BusError) { try send(.hook(hook)) }
    public func send(_ request: PermissionRequest) throws(BusError) { try send(.ask(request)) }
}
