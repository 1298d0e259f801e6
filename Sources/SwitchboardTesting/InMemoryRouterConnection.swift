public import BusProtocol
public import ChannelSession
public import MessageBus
import Synchronization

/// A session's connection without a bus: a test plays the router by hand.
public final class InMemoryRouterConnection: RouterConnection {
    private struct State {
        var isStarted = false
        var isStopped = false
        var receipts: [Receipt] = []
        var calls: [Call] = []
        var hooks: [HookReport] = []
        var chunks: [Chunk] = []
        var requests: [PermissionRequest] = []
        var remembered: [Int64] = []
        var refusal: BusError?
    }

    private let state = Mutex(State())
    private let onEvent: @Sendable (PeerEvent) -> Void

    public init(onEvent: @escaping @Sendable (PeerEvent) -> Void) {
        self.onEvent = onEvent
    }

    /// Says what the router or the link would say.
    public func emit(_ event: PeerEvent) { onEvent(event) }

    public func welcome(as name: String = "session", epoch: UInt64 = 1) {
        emit(.welcomed(Welcome(epoch: epoch, name: name, credit: Credit(events: 0, bytes: 0), router: "test")))
    }

    /// From now on ``send(_:)`` and ``call(_:)`` throw this; `nil` ends it.
    public func refuse(with error: BusError?) { state.withLock { $0.refusal = error } }

    public var isStarted: Bool { state.withLock { $0.isStarted } }
    public var isStopped: Bool { state.withLock { $0.isStopped } }
    public var receipts: [Receipt] { state.withLock { $0.receipts } }
    public var hooks: [HookReport] { state.withLock { $0.hooks } }
    public var requests: [PermissionRequest] { state.withLock { $0.requests } }
    public var calls: [Call] { state.withLock { $0.calls } }
    /// What the next HELLO would name as written.
    public var remembered: [Int64] { state.withLock { $0.remembered } }

    public func start() throws(BusError) {
        try accept { $0.isStarted = true }
    }

    public func stop() { state.withLock { $0.isStopped = true } }

    public func send(_ receipt: Receipt) throws(BusError) {
        try accept { $0.receipts.append(receipt) }
    }

    public func send(_ hook: HookReport) throws(BusError) {
        try accept { $0.hooks.append(hook) }
    }

    public func send(_ request: PermissionRequest) throws(BusError) {
        try accept { $0.requests.append(request) }
    }

    public func call(_ call: Call) throws(BusError) {
        try accept { $0.calls.append(call) }
    }

    public var chunks: [Chunk] { state.withLock { $0.chunks } }

    public func send(_ chunk: Chunk) -> Bool {
        state.withLock { $0.chunks.append(chunk) }
        return true
    }

    public func rememberWritten(_ deliveries: [Int64]) { state.withLock { $0.remembered = deliveries } }

    private func accept(_ change: (inout State) -> Void) throws(BusError) {
        try state.withLock { state throws(BusError) in
            if let refusal = state.refusal { throw refusal }
            change(&state)
        }
    }
}
