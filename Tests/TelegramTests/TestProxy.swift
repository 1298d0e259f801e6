import NIOCore
import NIOPosix

/// An HTTP proxy that knows CONNECT, and leads every name to one port of this machine.
struct TestProxy {
    private typealias Line = NIOAsyncChannel<ByteBuffer, ByteBuffer>

    let port: Int
    private let serving: Task<Void, any Error>

    init(to target: Int) async throws {
        let server = try await ServerBootstrap(group: .singletonMultiThreadedEventLoopGroup)
            .bind(host: "127.0.0.1", port: 0) { channel in
                channel.eventLoop.makeCompletedFuture { try Line(wrappingChannelSynchronously: channel) }
            }
        port = server.channel.localAddress?.port ?? 0
        serving = Task {
            try await withThrowingDiscardingTaskGroup { group in
                try await server.executeThenClose { lines in
                    for try await line in lines {
                        group.addTask {
                            do {
                                try await Self.serve(line, target)
                            } catch {
                                // The one or the other side went away.
                            }
                        }
                    }
                }
            }
        }
    }

    func stop() { serving.cancel() }

    private static func serve(_ line: Line, _ target: Int) async throws {
        try await line.executeThenClose { inbound, outbound in
            var incoming = inbound.makeAsyncIterator()
            var head = ""
            while !head.contains("\r\n\r\n") {
                guard let bytes = try await incoming.next() else { return }
                head += String(buffer: bytes)
            }
            guard head.hasPrefix("CONNECT ") else { return }
            let upstream = try await ClientBootstrap(group: .singletonMultiThreadedEventLoopGroup)
                .connect(host: "127.0.0.1", port: target) { channel in
                    channel.eventLoop.makeCompletedFuture { try Line(wrappingChannelSynchronously: channel) }
                }
            try await upstream.executeThenClose { answers, questions in
                try await outbound.write(ByteBuffer(string: "HTTP/1.1 200 OK\r\n\r\n"))
                try await withThrowingTaskGroup(of: Void.self) { group in
                    group.addTask { for try await bytes in answers { try await outbound.write(bytes) } }
                    while let bytes = try await incoming.next() { try await questions.write(bytes) }
                    group.cancelAll()
                }
            }
        }
    }
}
