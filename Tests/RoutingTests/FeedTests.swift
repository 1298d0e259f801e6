import BusProtocol
import ChannelEvents
import JSON
import MessageBus
import MessageStore
import Testing

@testable import Routing

/// Feeds: alerts where people are, answers back to the session, and hours in which nothing disturbs.
struct FeedTests {
    private static let chat = Conversation("chat:ops")

    private func settings(quiet: String? = nil, ring: Feed.Ring = .firing) -> RouterSettings {
        var settings = RouterSettings()
        let feed = Feed(
            match: RouteRule(source: SourceName("hooks"), to: nil), reportTo: Self.chat, ring: ring,
            quietHours: quiet.flatMap { Feed.Hours($0) })
        settings.feeds = [feed]
        return settings
    }

    private func router(_ settings: RouterSettings) throws -> RouterFixture {
        let router = try RouterFixture(settings: settings)
        try router.attachAdapter("chat")
        try router.attachAdapter("hooks")
        try router.attachReadyEndpoint()
        return router
    }

    private func alert(
        _ id: String, _ state: AlertState?, _ text: String, _ router: RouterFixture
    ) -> (LinkID, PeerMessage) {
        let link = RouterFixture.link("hooks")
        let head = EventHead(
            id: id, chat: "ci", sender: "local:0", kind: .alert, authentication: .loopback, flags: [.direct, .bot],
            fingerprint: "f", state: state, time: router.now.wall)
        return (
            link,
            .numbered(
                router.position(link),
                .publish(Publish(events: [PublishedEvent(head: head, body: EventBody(text: text).json)])))
        )
    }

    private func commands(_ sent: [Effects.Outgoing]) -> [PlatformCommand] {
        sent.to(RouterFixture.link("chat")).commands
    }

    @Test func anAlertIsShownAndWhatGoesOnHangsOnItsBeginning() throws {
        let router = try router(settings())
        let first = commands(try router.turn(alert("1", .firing, "disk full\ndb1", router)))
        #expect(first.map(\.chat) == ["ops"])
        #expect(first.first?.arguments["text"] == "disk full\ndb1")
        #expect(first.first?.arguments["silent"] == nil)
        try router.turn(router.result(try #require(first.first).key, .sent(ids: ["m1"])))
        let end = commands(try router.turn(alert("2", .resolved, "disk fine", router)))
        #expect(end.first?.replyTo == "m1")
        #expect(end.first?.arguments["silent"] == true)
    }

    @Test func whatPeopleAnswerGoesToTheSessionWithWhatItAnswers() throws {
        let router = try router(settings())
        let shown = try #require(commands(try router.turn(alert("1", .firing, "disk full", router))).first)
        try router.turn(router.result(shown.key, .sent(ids: ["m1"])))
        try router.restart()
        try router.attachAdapter("chat")
        try router.attachReadyEndpoint("web")
        try router.attachReadyEndpoint("api")
        let link = RouterFixture.link("chat")
        let head = EventHead(
            id: "p1", chat: "ops", sender: "local:0", authentication: .loopback, replyTo: "m1", time: router.now.wall)
        let answer = PublishedEvent(head: head, body: EventBody(text: "grow it").json)
        let sent = try router.turn((link, .numbered(router.position(link), .publish(Publish(events: [answer])))))
        #expect(sent.deliveries(to: "web").isEmpty)
        let states = try router.states(of: "p1")
        #expect(Array(states.keys) == ["api"])
        let body = try router.history().first { $0.head.id == "p1" }?.body
        #expect(try EventBody(json: try #require(body)).text == "grow it\n\n[in answer to hooks:1: disk full]")
    }

    @Test func whatClaudeRepliesToAFeedIsShownThereToo() throws {
        let router = try router(settings())
        let shown = try #require(commands(try router.turn(alert("1", .firing, "disk full", router))).first)
        try router.turn(router.result(shown.key, .sent(ids: ["m1"])))
        let api = RouterFixture.link("api")
        let sent = try router.turn(
            (api, router.call("reply", ["chat_id": "hooks:ci", "reply_to": "1", "text": "cleaning up"], from: api)))
        let follow = try #require(commands(sent).first)
        #expect(follow.chat == "ops" && follow.replyTo == "m1")
        #expect(follow.arguments["text"] == "api: cleaning up")
        // The feed itself gets it as well.
        #expect(sent.to(RouterFixture.link("hooks")).commands.count == 1)
    }

    @Test func quietHoursHoldEverythingUntilTheyEnd() throws {
        var settings = settings(quiet: "22:00-07:00", ring: .always)
        settings.minuteOfDay = { Int($0 / 60_000 % 1_440) }
        let router = try RouterFixture(settings: settings)
        router.now.wall = 1_795_000_000_000 / 86_400_000 * 86_400_000 + 23 * 3_600_000
        try router.attachAdapter("chat")
        try router.attachAdapter("hooks")
        try router.attachReadyEndpoint()
        let night = try router.turn(alert("1", .firing, "disk full", router))
        #expect(night.deliveries().isEmpty)
        #expect(commands(night).first?.arguments["silent"] == true)
        try router.restart()
        try router.attachAdapter("chat")
        try router.attachAdapter("hooks", instance: "later")
        try router.attachReadyEndpoint()
        #expect(try router.idle(2_000, "chat", "hooks", "api").deliveries().isEmpty)
        router.now.wall += 8 * 3_600_000
        var morning = try router.turn().deliveries()
        morning += try router.turn().deliveries()
        #expect(morning.map(\.head.id) == ["1"])
    }

    @Test(arguments: [
        ("22:00-07:00", 23 * 60, true), ("22:00-07:00", 6 * 60 + 59, true), ("22:00-07:00", 7 * 60, false),
        ("22:00-07:00", 12 * 60, false), ("09:30-10:00", 9 * 60 + 30, true), ("09:30-10:00", 10 * 60, false),
    ]) func hoursMayPassMidnight(_ text: String, _ minute: Int, _ isQuiet: Bool) throws {
        #expect(try #require(Feed.Hours(text)).contains(minute) == isQuiet)
    }

    @Test(arguments: [
        "", "22-07", "22:00", "24:00-07:00", "22:60-07:00", "7:00-08:00", "07:00-07:00", "a:bc-07:00",
        "22:00-07:00-08:00",
    ])
    func otherTextsAreNoHours(_ text: String) { #expect(Feed.Hours(text) == nil) }
}
