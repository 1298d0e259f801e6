import BusProtocol
import ChannelEvents
import JSON
import MessageStore
import SwitchboardTesting
import Testing

@testable import Routing

/// Random histories of prompts, answers, ends and crashes beside a model that is a few lines long.
///
/// What must hold whatever happens: a verdict goes only to the incarnation that asked, under the request it asked with; it
/// is what the first approver said; one prompt never has two; and what nobody decided is never allowed.
struct RelayModelTests {
    /// What the model remembers of a prompt.
    private struct Expected {
        var request: String
        var session: String
        var code: String
        var message: String?
        var action: String?
        var decided: Bool?
        var isOver = false
    }

    @Test(arguments: 1...12)
    func aVerdictIsTheFirstApproversAndNobodyElses(_ seed: UInt64) throws {
        var random = SeededGenerator(seed: seed)
        let relay = try RelayFixture()
        try relay.session("web")
        var expected: [Expected] = []
        var next: UInt64 = 100
        for step in 0..<120 {
            let open = expected.indices.filter { expected[$0].decided == nil && !expected[$0].isOver }
            switch Int.random(in: 0..<12, using: &random) {
            case 0...2:
                let session = Bool.random(using: &random) ? "api" : "web"
                // Few names, so that they collide.
                let request = ["aaaaa", "bbbbb", "ccccc"].randomElement(using: &random) ?? ""
                for index in expected.indices
                where expected[index].session == session && expected[index].request == request {
                    if expected[index].decided == nil { expected[index].isOver = true }
                }
                // Whoever asks again under one name has its verdict, or it is said again instead.
                try relay.wrote(request, in: session)
                try relay.ask(request, input: ["command": .string("run \(step)")], in: session)
                // A session with hooks is given a moment to tell the arguments.
                try relay.pass(301)
                let card = try relay.card(of: "ann")
                let code = try #require(card.card.text.split(separator: " ").drop { $0 != "yes" }.dropFirst().first)
                expected.append(
                    Expected(
                        request: request, session: session, code: String(code.prefix(5)), message: card.id,
                        action: card.card.buttons["Allow"]))
            case 3...5:
                guard let index = expected.indices.randomElement(using: &random) else { continue }
                let allow = Bool.random(using: &random)
                let person = ["ann", "bob", "eve", "mallory"].randomElement(using: &random) ?? ""
                try relay.say("\(allow ? "yes" : "no") \(expected[index].code)", from: person)
                if open.contains(index), person == "ann" || person == "bob" { expected[index].decided = allow }
            case 6...8:
                guard let index = expected.indices.randomElement(using: &random), let action = expected[index].action
                else { continue }
                let person = ["ann", "eve"].randomElement(using: &random) ?? ""
                try relay.press(action, of: expected[index].message, by: person)
                if open.contains(index), person == "ann" { expected[index].decided = true }
            case 9:
                let session = Bool.random(using: &random) ? "api" : "web"
                relay.router.pass(1)
                try relay.hook("UserPromptSubmit", in: session)
                for index in open where expected[index].session == session { expected[index].isOver = true }
            case 10: try relay.pass(Int64.random(in: 1...2_000, using: &random))
            default:
                let said = relay.verdicts
                try relay.restart()
                next += 1_000
                try relay.attach(next: next)
                for session in ["api", "web"] {
                    // What is said again is what was said before.
                    let again = try relay.router.attachEndpoint(session).verdicts
                    for verdict in again { #expect(said[session]?.contains(verdict) == true) }
                    relay.keep(said[session] ?? [], of: session)
                }
            }
            try check(relay, expected)
        }
    }

    private func check(_ relay: RelayFixture, _ expected: [Expected]) throws {
        for session in ["api", "web"] {
            let wanted = expected.filter { $0.session == session && $0.decided != nil }.map {
                "\($0.request) \($0.decided ?? false)"
            }
            let said = (relay.verdicts[session] ?? []).map { "\($0.request) \($0.allow)" }
            #expect(said.sorted() == wanted.sorted())
        }
        #expect(
            relay.router.core.relay.open.count == expected.count { $0.decided == nil && !$0.isOver })
        // Nothing of it is a message for Claude.
        #expect(relay.deliveries.isEmpty)
    }
}
