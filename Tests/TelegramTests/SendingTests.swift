import AdapterKit
import SwitchboardTesting
import Testing

@testable import switchboard_telegram

@Suite struct SendingTests {
    @Test func slicesNeverSplitAPair() {
        #expect(UTF16Text.slice("a😀b", offset: 1, length: 2) == "😀")
        #expect(UTF16Text.slice("a😀b", offset: 2, length: 1) == nil)
        #expect(UTF16Text.slice("a😀b", offset: 1, length: 1) == nil)
        #expect(UTF16Text.slice("ab", offset: 1, length: 2) == nil)
    }

    @Test func answersSayHowCertainTheyAre() throws {
        func failure(_ text: String, _ status: UInt) -> CallFailure? {
            do throws(CallFailure) {
                _ = try BotServer.read(Array(text.utf8), status: status)
                return nil
            } catch {
                return error
            }
        }
        #expect(failure(#"{"ok":true,"result":true}"#, 200) == nil)
        let page = try #require(failure("<html>Bad gateway</html>", 502))
        guard case .unknown = CommandExecutor.outcome(page) else { throw Unexpected() }
        let flood = try #require(
            failure(#"{"ok":false,"error_code":429,"description":"x","parameters":{"retry_after":7}}"#, 429))
        #expect(CommandExecutor.outcome(flood) == .retry(after: 7000, reason: "rate limit"))
        let gone = try #require(failure(#"{"ok":false,"error_code":403,"description":"blocked"}"#, 403))
        #expect(CommandExecutor.outcome(gone) == .rejected(reason: "blocked"))
        let off = CallFailure(cause: .unreachable, reason: "off")
        #expect(CommandExecutor.outcome(off) == .retry(after: 3000, reason: "off"))
    }

    @Test func theServersOrderDecidesTheOffset() throws {
        #expect(UpdatePoller.next(after: [["update_id": 900], ["update_id": 3]]) == 4)
        #expect(UpdatePoller.next(after: []) == nil)
    }

    @Test func budgetsAreKept() {
        var budget = SendBudget()
        for _ in 0..<20 { #expect(budget.take("-1", now: 0) == nil) }
        #expect(budget.take("-1", now: 30) == 30)
        #expect(budget.take("-1", now: 60.5) == nil)
        for _ in 0..<30 { #expect(budget.take("1", now: 100) == nil) }
        #expect(budget.take("2", now: 100.5) == 0.5)
        budget.pause("3", seconds: 7, now: 200)
        #expect(budget.take("3", now: 201) == 6)
        #expect(budget.take("4", now: 201) == nil)
    }

    @Test func waitsGrowAndEnd() {
        var weather = Weather(report: { _, _ in })
        let off = CallFailure(cause: .unreachable, reason: "off")
        let waits = (0..<9).map { _ in weather.failed(off) }
        #expect(waits.first == .milliseconds(500))
        #expect(waits.allSatisfy { $0 <= UpdatePoller.longestWait })
        // A call that hung for a minute has waited already.
        #expect(weather.failed(off, after: .seconds(45)) == .milliseconds(100))
        #expect(weather.failed(CallFailure(cause: .refused(429), reason: "", retryAfter: 7)) == .seconds(7))
    }

    @Test func onlyTokensReachAPath() {
        #expect(TelegramSettings.isToken("123456:ABC-def_123"))
        #expect(!TelegramSettings.isToken("123456:ABC/../def"))
        #expect(!TelegramSettings.isToken("123456"))
    }

    struct Unexpected: Error {}
}
