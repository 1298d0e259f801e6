import Testing
import ZeroMQ

struct SocketTests {
    let context: Context

    init() throws { context = try Context() }

    private func pair(_ endpoint: String, _ options: SocketOptions = SocketOptions()) throws -> (Socket, Socket) {
        let left = try Socket(context, .pair, options)
        let right = try Socket(context, .pair, options)
        try left.bind(endpoint)
        try right.connect(endpoint)
        return (left, right)
    }

    private func wait(_ socket: Socket) throws {
        var poller = Poller()
        poller.add(socket)
        try poller.wait(milliseconds: 5_000)
    }

    @Test func messagesComeWholeInOrder() throws {
        let (left, right) = try pair("inproc://whole")
        #expect(try right.receive() == nil)
        let messages: [[[UInt8]]] = [
            [[1]], [[], [], []], (0..<258).map { [UInt8($0 % 256)] }, [[UInt8](repeating: 7, count: 1 << 20), [8]],
        ]
        for message in messages { #expect(try left.send(message) == .sent) }
        for message in messages {
            try wait(right)
            let received = try #require(try right.receive())
            #expect(received.parts == message)
            #expect(received.size == message.reduce(0) { $0 + $1.count })
            #expect(!received.isCut)
        }
    }

    @Test func aMessageOverTheLimitIsCutAndTheNextIsWhole() throws {
        let (left, right) = try pair("inproc://cut")
        _ = try left.send([[1], [2], [3], [4]])
        _ = try left.send([[1, 2, 3], [4, 5, 6]])
        _ = try left.send([[9]])
        try wait(right)
        let parts = try #require(try right.receive(parts: 2))
        #expect(parts.isCut)
        #expect(parts.parts == [[1], [2]])
        #expect(parts.size == 4)
        let bytes = try #require(try right.receive(bytes: 4))
        #expect(bytes.isCut)
        #expect(bytes.parts == [[1, 2, 3]])
        #expect(try right.receive()?.parts == [[9]])
    }

    @Test func aFullQueueSaysSo() throws {
        var options = SocketOptions()
        options.sendLimit = 4
        options.receiveLimit = 4
        let (left, right) = try pair("inproc://full", options)
        var outcomes: [Socket.SendOutcome] = []
        try withExtendedLifetime(right) {
            for _ in 0..<20 { outcomes.append(try left.send([[1], [2]])) }
        }
        #expect(outcomes.first == .sent)
        #expect(outcomes.last == .full)
    }

    @Test func aMandatoryRouterKnowsWhoIsGone() throws {
        var options = SocketOptions()
        options.isMandatory = true
        let router = try Socket(context, .router, options)
        try router.bind("inproc://router")
        #expect(try router.send([[1]], to: [0, 0, 0, 0, 1]) == .gone)
        let dealer = try Socket(context, .dealer)
        try dealer.connect("inproc://router")
        _ = try dealer.send([[1], [2]])
        try wait(router)
        let received = try #require(try router.receive())
        #expect(received.parts == [[1], [2]])
        #expect(received.user == nil)
        #expect(try router.send([[3]], to: received.peer) == .sent)
        try wait(dealer)
        #expect(try dealer.receive()?.parts == [[3]])
        // A routing id and nothing else is a message without parts.
        _ = try router.send([], to: received.peer)
    }

    @Test func subscribersGetTheirTopics() throws {
        let publisher = try Socket(context, .xpub)
        try publisher.bind("inproc://tap")
        let subscriber = try Socket(context, .sub)
        try subscriber.subscribe("ev")
        try subscriber.connect("inproc://tap")
        try wait(publisher)
        #expect(try publisher.receive()?.parts == [[1] + Array("ev".utf8)])
        _ = try publisher.send([Array("other".utf8), [1]])
        _ = try publisher.send([Array("event".utf8), [2]])
        try wait(subscriber)
        #expect(try subscriber.receive()?.parts == [Array("event".utf8), [2]])
    }

    @Test func errorsHaveNamesAndAdvice() throws {
        let socket = try Socket(context, .router)
        #expect(throws: ZeroMQError.self) { try socket.bind("nonsense") }
        let missing = #expect(throws: ZeroMQError.self) { try socket.bind("ipc:///nonexistent-sb/socket") }
        #expect(missing?.operation == "bind")
        #expect(missing?.description.contains("bind") == true)
        try socket.bind("tcp://127.0.0.1:*")
        let endpoint = try socket.lastEndpoint()
        #expect(endpoint.hasPrefix("tcp://127.0.0.1:"))
        let taken = #expect(throws: ZeroMQError.self) { try Socket(context, .router).bind(endpoint) }
        #expect(taken?.name == "EADDRINUSE")
        #expect(taken?.isAddressInUse == true)
    }

    @Test func aSignalEndsAWaitOnceForManyRaises() throws {
        let signal = try WakeSignal()
        for _ in 0..<100_000 { signal.raise() }
        var poller = Poller()
        let index = poller.add(signal)
        try poller.wait(milliseconds: 5_000)
        #expect(poller.isReadable(index))
        signal.clear()
        try poller.wait(milliseconds: 0)
        #expect(!poller.isReadable(index))
        signal.raise()
        try poller.wait(milliseconds: 5_000)
        #expect(poller.isReadable(index))
    }
}

struct SocketMonitorTests {
    /// libzmq's thread must not be left waiting for a monitor that nobody reads any more.
    @Test(.timeLimit(.minutes(1))) func aClosedMonitorDoesNotStopTheContext() throws {
        let context = try Context()
        for round in 0..<200 {
            let server = try Socket(context, .router)
            try server.bind("tcp://127.0.0.1:*")
            let client = try Socket(context, .dealer)
            let monitor = try SocketMonitor(client, context, name: "\(round)")
            try client.connect(try server.lastEndpoint())
            _ = try client.send([[1]])
            var poller = Poller()
            poller.add(server)
            try poller.wait(milliseconds: 10_000)
            #expect(try server.receive()?.parts == [[1]])
            // The connection ends while the monitor does.
            server.close()
            monitor.close()
            client.close()
        }
    }

    @Test(.timeLimit(.minutes(1))) func changesAreTold() throws {
        let context = try Context()
        let server = try Socket(context, .router)
        try server.bind("tcp://127.0.0.1:*")
        let client = try Socket(context, .dealer)
        let monitor = try SocketMonitor(client, context, name: "told")
        try client.connect(try server.lastEndpoint())
        var seen: [SocketMonitor.Change] = []
        func wait(for change: SocketMonitor.Change) throws {
            while !seen.contains(change) {
                var poller = Poller()
                poller.add(monitor.socket)
                try poller.wait(milliseconds: -1)
                while let next = try monitor.next() { seen.append(next) }
            }
        }
        try wait(for: .connected)
        server.close()
        try wait(for: .disconnected)
    }
}
