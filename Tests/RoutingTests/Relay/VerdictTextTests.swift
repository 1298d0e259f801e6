import Testing

@testable import Routing

/// The grammar of an answer, and what only looks like one.
struct VerdictTextTests {
    @Test(arguments: ["yes abcde", "Y ABCDE", " y  abcde\n", "\tYes\tabcde", "yEs aBcDe"])
    func itIsAYes(_ text: String) {
        #expect(VerdictText.verdict(text) == VerdictText.Verdict(allow: true, code: "abcde"))
    }

    @Test(arguments: ["no abcde", "n abcde", "NO ABCDE"])
    func itIsANo(_ text: String) {
        #expect(VerdictText.verdict(text) == VerdictText.Verdict(allow: false, code: "abcde"))
    }

    @Test(arguments: [
        "yes", "abcde", "yes abcd", "yes abcdef", "yes abcle", "yes abc1e", "yes abcde please", "please yes abcde",
        "yes\u{A0}abcde", "yes аbcde", "ｙｅｓ abcde", "yes abcde.", "\"yes abcde\"", "> yes abcde", "yes-abcde",
        "yesabcde",
        "yeah abcde", "ok abcde", "yes\u{200B} abcde", "yes ab\u{200B}cde", "/yes abcde", "yes abcde\u{0}", "yés abcde",
        "",
    ])
    func itIsNeither(_ text: String) {
        #expect(VerdictText.verdict(text) == nil)
    }

    @Test func aBareAnswerNamesNothing() {
        for text in ["yes", " No\n", "Y"] { #expect(VerdictText.isBare(text)) }
        for text in ["", "yes abcde", "yes please", "ok"] { #expect(!VerdictText.isBare(text)) }
    }

    @Test func aButtonsActionIsReadBackAndNothingElse() throws {
        let action = CardAction(prompt: 7, nonce: "k3y", choice: .grant)
        #expect(CardAction(action.text) == action)
        let longest = CardAction(prompt: .max, nonce: String(UInt64.max, radix: 36), choice: .allow)
        #expect(longest.text.utf8.count <= 64)
        for text in [
            "", "card:", "card:7:k3y", "card:7:k3y:x", "card::k3y:y", "card:7::y", "card:7:k3y:y:z", "use:7:k3y:y",
            "card:seven:k3y:y", "card:7 :k3y:y",
        ] {
            #expect(CardAction(text) == nil, "\(text)")
        }
    }
}
