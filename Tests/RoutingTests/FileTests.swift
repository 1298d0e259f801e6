import BusProtocol
import ChannelEvents
import JSON
import MessageStore
import Testing

@testable import MessageBus
@testable import Routing

/// What the core decides about files, without a byte of one.
@Suite struct FileTests {
    /// The testing library has one, too.
    typealias Attachment = ChannelEvents.Attachment

    private let router: RouterFixture

    init() throws {
        router = try RouterFixture(settings: RouterSettings(fileFolder: "/files"))
        try router.attachAdapter(features: ["fetch", "files"])
        try router.attachReadyEndpoint()
    }

    private static let file = StoredFile(hash: String(repeating: "a", count: 64), size: 3, ending: ".png")

    private func publish(_ id: String, _ attachments: [ChannelEvents.Attachment] = [], chat: String = "ann") -> (
        LinkID, PeerMessage
    ) {
        let link = RouterFixture.link("chat")
        let head = EventHead(id: id, chat: chat, sender: "local:0", authentication: .loopback, time: router.now.wall)
        let event = PublishedEvent(head: head, body: EventBody(text: "text of \(id)", attachments: attachments).json)
        return (link, .numbered(router.position(link), .publish(Publish(events: [event]))))
    }

    private static let picture = ChannelEvents.Attachment(id: "p", name: "a.png", mediaType: "image/png", size: 3)

    private var orders: [FileOrder] {
        router.fileTasks.compactMap { if case .pull(let order) = $0 { order } else { nil } }
    }

    @Test func aMessageWaitsForItsPictureAndItsConversationForTheMessage() throws {
        var sent = try router.turn([publish("1", [Self.picture]), publish("2"), publish("3", chat: "eve")])
        #expect(sent.deliveries().map(\.head.id) == ["3"])
        let order = try #require(orders.first)
        #expect(order.fetch.file == "p")
        #expect(order.fetch.event == "1")
        #expect(order.fetch.limit == 10 << 20)
        #expect(order.ending == ".png")
        router.finish(FileReport(id: order.id, outcome: .success(Self.file)))
        sent = try router.turn()
        #expect(sent.deliveries().map(\.head.id) == ["1", "2"])
        #expect(sent.deliveries().map(\.image) == ["/files/\(Self.file.name)", nil])
    }

    @Test func itWaitsNoLongerThanItMay() throws {
        try router.turn([publish("1", [Self.picture]), publish("2")])
        router.pass(router.settings.files.imageWait - 1)
        #expect(try router.turn().deliveries().isEmpty)
        router.pass(1)
        let sent = try router.turn().deliveries()
        #expect(sent.map(\.head.id) == ["1", "2"])
        #expect(sent.map(\.image) == [nil, nil])
        // It came too late for this delivery; it is kept.
        router.finish(FileReport(id: try #require(orders.first).id, outcome: .success(Self.file)))
        #expect(try router.turn().deliveries().isEmpty)
    }

    @Test func aRestartLosesNoMessageThatWaits() throws {
        try router.turn([publish("1", [Self.picture]), publish("2")])
        try router.restart()
        // The picture is asked for once more, since the adapter is here; the wait begins anew.
        let asked = orders.count
        try router.attachAdapter(features: ["fetch"])
        #expect(orders.count == asked + 1)
        try router.attachReadyEndpoint()
        #expect(try router.turn().deliveries().isEmpty)
        router.pass(router.settings.files.imageWait)
        #expect(try router.turn().deliveries().map(\.head.id) == ["1", "2"])
    }

    @Test(arguments: [
        ChannelEvents.Attachment(id: "p", name: "a.png", mediaType: "image/png", size: 11 << 20),
        ChannelEvents.Attachment(id: "p", name: "a.svg", mediaType: "image/svg+xml", size: 3),
        ChannelEvents.Attachment(id: "p", name: "a.pdf", mediaType: "application/pdf", size: 3),
    ])
    func whatIsNoPictureOrTooLargeIsNotWaitedFor(_ attachment: ChannelEvents.Attachment) throws {
        #expect(try router.turn([publish("1", [attachment])]).deliveries().map(\.head.id) == ["1"])
        #expect(orders.isEmpty)
    }

    @Test func whatExpiresIsOrderedAndNotWaitedFor() throws {
        let attachment = ChannelEvents.Attachment(id: "z", name: "a.zip", size: 3, expires: true)
        #expect(try router.turn([publish("1", [attachment])]).deliveries().map(\.head.id) == ["1"])
        #expect(orders.map(\.fetch.file) == ["z"])
    }

    /// A hash alone opens nothing.
    @Test func aStrangerGetsNoFile() throws {
        try router.turn([publish("1", [Self.picture])])
        router.finish(FileReport(id: try #require(orders.first).id, outcome: .success(Self.file)))
        try router.turn()
        try router.attachReadyEndpoint("web")
        let fetch = Fetch(id: "x", file: Self.file.hash, limit: 100)
        for name in ["web", "chat"] {
            let link = RouterFixture.link(name)
            let sent = try router.turn((link, .fetch(epoch: router.epoch(link), fetch))).to(link)
            guard case .chunk(_, let chunk)? = sent.last, case .failure(let failure) = chunk.content else {
                Issue.record("\(name) was given a file: \(sent)")
                continue
            }
            #expect(failure.code == .notAllowed)
        }
        let own = RouterFixture.link("api")
        try router.turn((own, .fetch(epoch: router.epoch(own), fetch)))
        guard case .give(let file, _, _)? = router.fileTasks.last else {
            Issue.record("its own session was given nothing")
            return
        }
        #expect(file == Self.file)
    }

    @Test func aSessionDownloadsOnlyWhatItWasDelivered() throws {
        try router.turn([publish("1", [ChannelEvents.Attachment(id: "d", name: "a.pdf", size: 3)])])
        try router.attachReadyEndpoint("web")
        let link = RouterFixture.link("web")
        let sent = try router.turn((link, router.call("download_attachment", ["event_id": "chat:1"], from: link)))
        guard case .failure("not-found", _)? = sent.to(link).answers.first?.outcome else {
            Issue.record("a session that was not delivered it was answered \(sent)")
            return
        }
        #expect(orders.isEmpty)
    }
}
