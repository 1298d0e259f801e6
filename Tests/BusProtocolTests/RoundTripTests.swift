import BusProtocol
import ChannelEvents
import JSON
import SwitchboardTesting
import Testing

/// Random values, said and read again.
struct RoundTripTests {
    @Test(arguments: 0..<300 as Range<UInt64>)
    func valuesComeBackAsTheyWere(seed: UInt64) throws {
        var make = Maker(seed: seed)
        for _ in 0..<20 {
            let toRouter = make.peerMessage()
            #expect(try PeerMessage(try BusFrames(parts: toRouter.frames.parts)) == toRouter)
            let toPeer = make.routerMessage()
            #expect(try RouterMessage(try BusFrames(parts: toPeer.frames.parts)) == toPeer)
        }
    }
}

/// Makes random but legal values, with text that is hard on an encoder.
private struct Maker {
    var generator: SeededGenerator

    init(seed: UInt64) { generator = SeededGenerator(seed: seed) }

    mutating func flip() -> Bool { Bool.random(using: &generator) }
    mutating func number(_ range: ClosedRange<Int64> = .min ... .max) -> Int64 {
        Int64.random(in: range, using: &generator)
    }

    mutating func text(_ length: ClosedRange<Int> = 0...20) -> String {
        let pieces = [
            "a", "\"", "\\", "\n", "\u{0}", "\u{1F}", "/", "é", "漢", "🎉", "\u{2028}", "<", "\u{FEFF}", " ", "0",
        ]
        return (0..<Int.random(in: length, using: &generator)).map { _ in pieces.randomElement(using: &generator) ?? ""
        }.joined()
    }

    mutating func optional<Value>(_ make: (inout Maker) -> Value) -> Value? { flip() ? make(&self) : nil }
    mutating func several<Value>(_ limit: Int = 4, _ make: (inout Maker) -> Value) -> [Value] {
        (0..<Int.random(in: 0...limit, using: &generator)).map { _ in make(&self) }
    }

    mutating func position() -> Position {
        Position(epoch: UInt64(number(1...Int64.max)), sequence: UInt64(number(1...Int64.max)))
    }

    mutating func epoch() -> UInt64 { UInt64(number(1...Int64.max)) }

    mutating func json(_ depth: Int = 0) -> JSONValue {
        switch Int.random(in: 0..<(depth > 3 ? 5 : 7), using: &generator) {
        case 0: return .null
        case 1: return .bool(flip())
        case 2: return .integer(number())
        case 3: return .number(Double.random(in: -1e9...1e9, using: &generator))
        case 4: return .string(text())
        case 5: return .array(several { $0.json(depth + 1) })
        default:
            var members = JSONObject()
            for index in 0..<Int.random(in: 0...4, using: &generator) { members[text() + "\(index)"] = json(depth + 1) }
            return .object(members)
        }
    }

    mutating func head() -> EventHead {
        EventHead(
            id: text(), chat: text(), thread: optional { $0.text() }, sender: text(),
            kind: EventKind(rawValue: text(1...5)),
            authentication: Authentication(rawValue: text(1...5)), flags: EventFlags(rawValue: UInt8(number(0...15))),
            group: optional { $0.text() }, fingerprint: optional { $0.text() },
            state: optional { $0.flip() ? .firing : .resolved }, replyTo: optional { $0.text() },
            action: optional { $0.text() }, roles: several { $0.text(1...5) }, time: number())
    }

    mutating func numbered() -> PeerMessage.Numbered {
        switch Int.random(in: 0..<5, using: &generator) {
        case 0:
            return .publish(
                Publish(
                    events: several { PublishedEvent(head: $0.optional { $0.head() }, body: Array($0.text().utf8)) },
                    cursor: optional { $0.json().bytes }))
        case 1:
            return .receipt(
                Receipt(
                    written: several { $0.number() },
                    failed: several { Receipt.Failure(delivery: $0.number(), code: $0.text(0...5)) },
                    verdicts: several { $0.text() }))
        case 2: return .result(CommandResult(key: text(), outcome: outcome()))
        case 3:
            return .hook(
                HookReport(
                    id: text(1...9), name: text(1...9), at: number(), prompt: optional { $0.text() },
                    session: optional { $0.text() }, wantsAnswer: number(0...1) == 1, members: json()))
        default:
            return .ask(PermissionRequest(request: text(), tool: text(), description: text(), preview: text()))
        }
    }

    mutating func outcome() -> SendOutcome {
        switch Int.random(in: 0..<4, using: &generator) {
        case 0: return .sent(ids: several { $0.text() })
        case 1: return .rejected(reason: text())
        case 2: return .retry(after: number(0...Int64.max), reason: text())
        default: return .unknown(reason: text())
        }
    }

    mutating func call() -> Call { Call(id: text(1...9), name: text(), arguments: json()) }

    mutating func peerMessage() -> PeerMessage {
        switch Int.random(in: 0..<10, using: &generator) {
        case 8: return .fetch(epoch: epoch(), fetch())
        case 9: return .chunk(epoch: epoch(), chunk())
        case 0:
            return .hello(
                Hello(
                    role: [.adapter, .endpoint, .operator].randomElement(using: &generator) ?? .adapter,
                    name: text(1...9),
                    program: text(0...9), instance: "0123456789", pid: number(), next: epoch(),
                    key: optional { $0.text() },
                    abilities: Abilities(
                        verbs: Set(several { $0.text() }), features: [], textLimit: optional { $0.number() },
                        spanLimit: optional { $0.number() }, columns: optional { $0.number() }),
                    project: optional { $0.text() }, parent: optional { $0.number() }, written: several { $0.number() },
                    credit: optional { $0.number() }, version: number()))
        case 1: return .call(epoch: epoch(), call())
        case 2: return .query(epoch: epoch(), call())
        case 3:
            return .health(
                epoch: epoch(),
                Health(
                    state: [.up, .deaf, .failed].randomElement(using: &generator) ?? .up,
                    reason: optional { $0.text() },
                    resumed: several { $0.text() }))
        case 4: return .ack(position())
        case 5: return .heartbeat(epoch: epoch())
        case 6: return .bye(Bye(code: text(), message: text()))
        default: return .numbered(position(), numbered())
        }
    }

    mutating func fetch() -> Fetch {
        Fetch(
            id: text(1...9), file: text(1...9), event: optional { $0.text() }, chat: optional { $0.text() },
            thread: optional { $0.text() }, offset: number(0...Int64.max), count: Int(number(1...262_144)),
            version: optional { $0.text() }, limit: number(0...Int64.max),
            messages: optional { Int($0.number(1...1_000)) })
    }

    mutating func chunk() -> Chunk {
        if flip() {
            let code = FetchFailure.Code.allCases.randomElement(using: &generator) ?? .gone
            return Chunk(id: text(1...9), .failure(FetchFailure(code, text())))
        }
        return Chunk(
            id: text(1...9),
            .bytes(
                Chunk.Piece(
                    offset: number(0...1 << 40), size: optional { $0.number(0...Int64.max) }, version: text(1...9),
                    isLast: flip(),
                    bytes: (0..<Int.random(in: 0...40, using: &generator)).map { _ in
                        UInt8.random(in: 0...255, using: &generator)
                    })))
    }

    mutating func routerMessage() -> RouterMessage {
        switch Int.random(in: 0..<10, using: &generator) {
        case 8: return .fetch(epoch: epoch(), fetch())
        case 9: return .chunk(epoch: epoch(), chunk())
        case 0:
            return .welcome(
                Welcome(
                    epoch: epoch(), name: text(), cursor: optional { $0.json() },
                    credit: Credit(events: number(), bytes: number()), settings: optional { $0.json() }, router: text(),
                    version: number()))
        case 1:
            return .ack(
                Acknowledgement(
                    position: position(),
                    refused: several {
                        RefusedEvent(sequence: $0.epoch(), index: Int($0.number(0...255)), code: $0.text())
                    },
                    credit: optional { Credit(events: $0.number(), bytes: $0.number()) }))
        case 2:
            return .answer(
                Answer(
                    epoch: epoch(), id: text(),
                    outcome: flip() ? .success(json()) : .failure(code: text(), message: text())))
        case 3:
            return .reset(
                Reset(
                    reason: [.gap, .stranger, .epoch].randomElement(using: &generator) ?? .gap,
                    expected: optional { $0.epoch() }))
        case 4: return .error(Refusal(code: text(), message: text(), command: text()))
        case 5:
            return .numbered(
                position(),
                .command(
                    PlatformCommand(
                        key: text(), verb: text(), chat: text(), thread: optional { $0.text() },
                        replyTo: optional { $0.text() }, again: flip(), attempt: number(1...9),
                        arguments: json())))
        case 6: return .numbered(position(), .verdict(Verdict(request: text(), allow: flip())))
        default:
            return .numbered(
                position(),
                .deliver(
                    several {
                        Delivery(
                            id: $0.number(), source: SourceName("source-1") ?? Self.fallback, head: $0.head(),
                            redelivery: $0.number(0...9), staleAge: $0.optional { $0.number() },
                            count: $0.number(1...9),
                            image: $0.optional { $0.text() },
                            body: Array($0.text().utf8))
                    }))
        }
    }

    private static var fallback: SourceName { preconditionFailure("source-1 is a source name") }
}
