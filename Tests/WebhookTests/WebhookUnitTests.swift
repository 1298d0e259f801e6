import AdapterKit
import SwitchboardTesting
import Testing

@testable import switchboard_webhook

@Suite struct HookGateTests {
    private let ci = HookName("ci")!
    private let gate = HookGate(routes: nil, homeToken: "home-token", ownUser: 1000)

    private func caller(_ bearer: String? = nil, relayed: Bool = false, user: UInt32? = 1000) -> HookCaller {
        HookCaller(bearer: bearer, isRelayed: relayed) { user }
    }

    @Test func trustsOnlyTheSameUserAndNobodyInBetween() {
        #expect(gate.admit(caller(), to: ci) == .admitted(.loopback, sender: "local:1000"))
        #expect(gate.admit(caller(user: 1001), to: ci) == .unauthorized)
        #expect(gate.admit(caller(user: nil), to: ci) == .unauthorized)
        #expect(gate.admit(caller(relayed: true), to: ci) == .unauthorized)
    }

    @Test func aTokenIsHeldTo() {
        #expect(
            gate.admit(caller("home-token", relayed: true, user: nil), to: ci)
                == .admitted(.secret, sender: "secret:ci"))
        for wrong in ["", "home-toke", "home-tokeN", "home-token ", "home-tokenhome-token"] {
            #expect(gate.admit(caller(wrong), to: ci) == .unauthorized, "\(wrong)")
        }
    }

    @Test func aTokenWithoutAnyToMatchOpensNothing() {
        #expect(!HookGate.matches("", any: [""]))
        #expect(!HookGate.matches("x", any: []))
    }
}

@Suite struct HookNameTests {
    @Test func takesWhatNeedsNoEncoding() {
        for good in ["ci", "A.b_c-9", String(repeating: "n", count: 64)] { #expect(HookName(good) != nil, "\(good)") }
        for bad in ["", ".", "..", "a/b", "a b", "ü", "a%20", String(repeating: "n", count: 65)] {
            #expect(HookName(bad) == nil, "\(bad)")
        }
    }
}

@Suite struct ListenAddressTests {
    @Test func readsAddressesAndKnowsLoopback() throws {
        for (text, isLoopback, shown) in [
            ("127.0.0.1:8441", true, "127.0.0.1:8441"), ("localhost:1", true, "127.0.0.1:1"),
            ("[::1]:8441", true, "[::1]:8441"),
            ("127.9.9.9:1", true, "127.9.9.9:1"), ("[::ffff:127.0.0.1]:1", true, "[::ffff:127.0.0.1]:1"),
            ("0.0.0.0:8441", false, "0.0.0.0:8441"), ("[::]:8441", false, "[::]:8441"),
            ("192.0.2.1:1", false, "192.0.2.1:1"),
        ] {
            let address = try #require(ListenAddress(text), "\(text)")
            #expect(address.isLoopback == isLoopback, "\(text)")
            #expect(address.description == shown)
        }
        for bad in [
            "", "8441", "127.0.0.1", "::1:8441", "example.org:80", "127.0.0.1:70000", "127.0.0.1:-1", "[127.0.0.1:1",
        ] {
            #expect(ListenAddress(bad) == nil, "\(bad)")
        }
    }

    @Test func aHostHeaderThatIsNotLoopbackIsAnotherSite() {
        for own in ["127.0.0.1", "127.0.0.1:8441", "localhost", "LOCALHOST:1", "[::1]", "[::1]:8441"] {
            #expect(ListenAddress.isLoopbackHost(own), "\(own)")
        }
        for other in ["", "evil.example", "127.0.0.1.evil.example", "localhost.evil:1", "10.0.0.1", "[fe80::1]:1"] {
            #expect(!ListenAddress.isLoopbackHost(other), "\(other)")
        }
    }
}

@Suite struct HookBodyTests {
    @Test func anIdempotencyKeyIsAnIdOfItsHookAlone() throws {
        #expect(HookBody.identity(idempotencyKey: "run-7") == "key:run-7")
        #expect(HookBody.identity(idempotencyKey: "a/b%") == "key:a%2Fb%25")
        #expect(HookBody.identity(idempotencyKey: "") == nil)
        let longest = try #require(HookBody.identity(idempotencyKey: String(repeating: "\u{1}", count: 128)))
        #expect(longest.utf8.count + 65 <= EventHead.fieldLimit)
        let random = [HookBody.identity(idempotencyKey: nil), HookBody.identity(idempotencyKey: nil)]
        #expect(random[0] != random[1])
    }

    @Test func knowsItsContentTypes() {
        for text in [nil, "text/plain", "TEXT/PLAIN; charset=\"UTF-8\"", "application/x-www-form-urlencoded"] {
            #expect(HookBody.Form(contentType: text) == .text)
        }
        for json in ["application/json", "application/json;charset=utf-8", "application/problem+json"] {
            #expect(HookBody.Form(contentType: json) == .json)
        }
        for other in [
            "text/html", "multipart/form-data; boundary=x", "application/octet-stream", "text/plain; charset=latin1",
        ] {
            #expect(HookBody.Form(contentType: other) == nil)
        }
    }
}

@Suite(.timeLimit(.minutes(1))) struct ReplyStreamsTests {
    private let ci = HookName("ci")!

    private func texts(_ listener: ReplyListener, _ count: Int) async -> [String] {
        var texts: [String] = []
        for _ in 0..<count {
            guard let item = await listener.next() else { break }
            item.done(true)
            texts += WebhookFixture.texts(String(decoding: item.frame, as: UTF8.self))
        }
        return texts
    }

    @Test func whatWasSaidIsKeptWithinItsLimits() async throws {
        let streams = ReplyStreams { _ in }
        let first = try #require(streams.listen(to: ci, after: nil))
        let reader = Task { await texts(first, 150) }
        for number in 0..<150 { _ = await streams.send("\(number)", replyTo: nil, to: ci) }
        #expect(await reader.value.count == 150)
        let late = try #require(streams.listen(to: ci, after: "unknown"))
        #expect(await texts(late, 100) == (50..<150).map(String.init))
    }

    @Test func aReaderThatDoesNotReadIsClosedAndHoldsNobodyUp() async throws {
        let streams = ReplyStreams { _ in }
        let stuck = try #require(streams.listen(to: ci, after: nil))
        let sends = (0...ReplyListener.limit).map { number in
            Task { await streams.send("\(number)", replyTo: nil, to: ci) }
        }
        for send in sends {
            guard case .retry = await send.value else {
                Issue.record("a reply that nobody wrote counts as sent")
                return
            }
        }
        let end = await stuck.next()
        #expect(end?.frame == nil)
        // What nobody took is not kept: the router has it, and sends it again.
        streams.leave(stuck, from: ci)
        let next = try #require(streams.listen(to: ci, after: "unknown"))
        let reader = Task { await texts(next, 1) }
        _ = await streams.send("fresh", replyTo: nil, to: ci)
        #expect(await reader.value == ["fresh"])
    }

    @Test func openStreamsAreLimited() throws {
        let streams = ReplyStreams { _ in }
        let open = (0..<ReplyStreams.listenerLimit).map { _ in streams.listen(to: ci, after: nil) }
        #expect(open.allSatisfy { $0 != nil })
        #expect(streams.listen(to: ci, after: nil) == nil)
        streams.leave(try #require(open[0]), from: ci)
        #expect(streams.listen(to: ci, after: nil) != nil)
        #expect(streams.listenerCount == ReplyStreams.listenerLimit)
    }

    @Test func aReplyHandedBackWhileAListenerCameIsAskedForAgain() async throws {
        let resumed = Watched<[[String]]>([])
        let streams = ReplyStreams { chats in resumed.change { $0.append(chats) } }
        guard case .retry = await streams.send("lost", replyTo: nil, to: ci) else {
            Issue.record("nobody listens")
            return
        }
        streams.beat()
        #expect(resumed.value.isEmpty)
        _ = streams.listen(to: ci, after: nil)
        #expect(resumed.value == [["ci"]])
    }
}
