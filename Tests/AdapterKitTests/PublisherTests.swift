import MessageBus
import SwitchboardTesting
import Testing

@testable import AdapterKit

@Suite(.timeLimit(.minutes(1))) struct PublisherTests {
    private let bus = ScriptedBus()

    /// Starts a publish and returns once it is queued or sent.
    private func begin(
        _ publisher: Publisher, _ id: String, within limit: Duration? = nil
    ) async -> Task<Result<Publication, PublishError>, Never> {
        let before = publisher.depth
        let task = Task { () -> Result<Publication, PublishError> in
            do throws(PublishError) {
                return .success(try await publisher.publish([.make(id)], cursor: nil, within: limit))
            } catch {
                return .failure(error)
            }
        }
        while publisher.depth == before { await Task.yield() }
        return task
    }

    @Test func returnsWhenTheRouterHasCommitted() async throws {
        let publisher = Publisher(port: bus)
        publisher.welcomed()
        let task = await begin(publisher, "a")
        #expect(bus.publishes.count == 1)
        publisher.acknowledged(1, refused: [RefusedEvent(sequence: 1, index: 0, code: "not-allowed")])
        #expect(try await task.value.get().refused == [Publication.Refusal(index: 0, code: "not-allowed")])
    }

    @Test func sendsNothingBeforeTheWelcomeAndTogetherAfterIt() async throws {
        let publisher = Publisher(port: bus)
        let tasks = [await begin(publisher, "a"), await begin(publisher, "b"), await begin(publisher, "c")]
        #expect(bus.publishes.isEmpty)
        publisher.welcomed()
        #expect(bus.publishes.map(\.events.count) == [3])
        publisher.acknowledged(1, refused: [])
        for task in tasks { #expect(try await task.value.get().refused.isEmpty) }
    }

    @Test func withoutCreditItWaits() async throws {
        bus.change { $0.credit.events = 1 }
        let publisher = Publisher(port: bus)
        publisher.welcomed()
        let first = await begin(publisher, "a")
        let second = await begin(publisher, "b")
        #expect(bus.publishes.count == 1)
        bus.change { $0.credit.events = 1 }
        publisher.acknowledged(1, refused: [])
        #expect(bus.publishes.count == 2)
        publisher.acknowledged(2, refused: [])
        _ = try await (first.value.get(), second.value.get())
    }

    @Test func aDeadlineSaysWhetherAnythingWasSent() async {
        let publisher = Publisher(port: bus)
        let away = await begin(publisher, "a", within: .milliseconds(1))
        #expect(await away.value == .failure(PublishError(.away)))
        publisher.welcomed()
        #expect(bus.publishes.isEmpty)
        let sent = await begin(publisher, "b", within: .milliseconds(1))
        #expect(await sent.value == .failure(PublishError(.unacknowledged)))
        #expect(bus.publishes.count == 1)
        publisher.acknowledged(1, refused: [])
    }

    @Test func aCancelledTaskDoesNotWait() async {
        let publisher = Publisher(port: bus)
        let task = await begin(publisher, "a")
        task.cancel()
        #expect(await task.value == .failure(PublishError(.cancelled)))
        publisher.welcomed()
        #expect(bus.publishes.isEmpty)
    }

    @Test func stopEndsAllThatWait() async {
        let publisher = Publisher(port: bus)
        let task = await begin(publisher, "a")
        publisher.stop()
        #expect(await task.value == .failure(PublishError(.stopped)))
        await #expect(throws: PublishError(.stopped)) {
            try await publisher.publish([.make("b")], cursor: nil, within: nil)
        }
    }

    @Test func knowsHowFarItGotSinceTheWelcome() async throws {
        let publisher = Publisher(port: bus)
        publisher.welcomed()
        let task = Task { try await publisher.publish([], cursor: JSONValue.integer(7).bytes, within: nil) }
        while bus.publishes.isEmpty { await Task.yield() }
        #expect(publisher.committedCursor == nil)
        publisher.acknowledged(1, refused: [])
        _ = try await task.value
        #expect(publisher.committedCursor == 7)
        publisher.welcomed()
        #expect(publisher.committedCursor == nil)
    }

    @Test func aFullBusIsTriedAgainInOrder() async throws {
        bus.change { $0.failure = .queueFull }
        let publisher = Publisher(port: bus)
        publisher.welcomed()
        let first = await begin(publisher, "a")
        let second = await begin(publisher, "b")
        bus.change { $0.failure = nil }
        publisher.acknowledged(0, refused: [])
        #expect(bus.publishes.flatMap { $0.events.compactMap { $0.head?.id } } == ["a", "b"])
        publisher.acknowledged(2, refused: [])
        _ = try await (first.value.get(), second.value.get())
    }

    @Test func whatTheBusNeverTakesIsNamed() async throws {
        bus.change { $0.failure = .oversize }
        let publisher = Publisher(port: bus)
        publisher.welcomed()
        let publication = try await publisher.publish([.make("a"), .make("b")], cursor: nil, within: nil)
        #expect(publication.refused.map(\.code) == ["oversize", "oversize"])
        #expect(publication.refused.map(\.index) == [0, 1])
    }
}
