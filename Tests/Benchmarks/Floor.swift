import MessageBus
import MessageStore
import ZeroMQ

#if canImport(Darwin)
    import Darwin
#else
    import Glibc
#endif

/// What the machine needs for the same journey without Switchboard: an ipc hop, one commit, an ipc hop, a pipe write.
enum Floor {
    static func measure(samples count: Int) throws -> Samples {
        var template = Array("/tmp/switchboard-floor-XXXXXX".utf8CString)
        guard mkdtemp(&template) != nil else { throw Failure("cannot make a folder in /tmp") }
        let folder = template.withUnsafeBufferPointer { String(cString: $0.baseAddress!) }
        defer { try? ProcessRunner.run("/bin/rm", ["-rf", folder]) }
        let first = "ipc://\(folder)/first.sock"
        let second = "ipc://\(folder)/second.sock"
        var pipeEnds: [Int32] = [0, 0]
        guard pipe(&pipeEnds) == 0 else { throw Failure("no pipe") }
        let (reading, writing) = (pipeEnds[0], pipeEnds[1])
        let rounds = count + count / 10
        let store = try MessageStore(path: folder + "/floor.sqlite3")

        let context = try Context()
        let sender = try Socket(context, .dealer, SocketOptions())
        try sender.connect(first)
        let middle = try DedicatedThread(name: "floor-middle") {
            relay(context, from: first, to: second, rounds: rounds) { _ in try store.probe() }
        }
        let end = try DedicatedThread(name: "floor-end") {
            receive(context, at: second, rounds: rounds) { message in
                let line = message + [0x0A]
                _ = write(writing, line, line.count)
            }
        }
        let payload = [UInt8](repeating: 0x78, count: 700)
        var samples = Samples()
        var buffer = [UInt8](repeating: 0, count: 4_096)
        for number in 0..<rounds {
            let start = Clock.nanoseconds
            _ = try sender.send([payload])
            var received = 0
            while received <= payload.count {
                let read = read(reading, &buffer, buffer.count)
                guard read > 0 else { throw Failure("the floor's pipe closed") }
                received += read
            }
            if number >= count / 10 { samples.add(Clock.nanoseconds - start) }
        }
        middle.join()
        end.join()
        sender.close()
        close(reading)
        close(writing)
        return samples
    }

    private static func relay(
        _ context: Context, from first: String, to second: String, rounds: Int, _ work: ([UInt8]) throws -> Void
    ) {
        do {
            let incoming = try Socket(context, .dealer, SocketOptions())
            try incoming.bind(first)
            let outgoing = try Socket(context, .dealer, SocketOptions())
            try outgoing.connect(second)
            for _ in 0..<rounds {
                let message = try next(incoming)
                try work(message)
                _ = try outgoing.send([message])
            }
            incoming.close()
            outgoing.close()
        } catch {
            print("floor: \(error)")
        }
    }

    private static func receive(_ context: Context, at second: String, rounds: Int, _ work: ([UInt8]) -> Void) {
        do {
            let incoming = try Socket(context, .dealer, SocketOptions())
            try incoming.bind(second)
            for _ in 0..<rounds { work(try next(incoming)) }
            incoming.close()
        } catch {
            print("floor: \(error)")
        }
    }

    private static func next(_ socket: Socket) throws -> [UInt8] {
        while true {
            if let message = try socket.receive() { return message.parts[0] }
            var poller = Poller()
            poller.add(socket)
            try poller.wait(milliseconds: -1)
        }
    }
}
