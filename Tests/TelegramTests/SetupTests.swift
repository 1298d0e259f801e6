import AdapterKit
import Testing

@testable import switchboard_telegram

@Suite struct SetupTests {
    @Test func theOfficialPluginsSetupIsTakenOver() throws {
        let access = """
            {"dmPolicy":"pairing","allowFrom":["42",43,"@ann"],"pending":{},
             "groups":{"-1001":{"requireMention":false,"allowFrom":["42"]},"@ops":{}}}
            """
        let found = try #require(
            OfficialPlugin.read(
                variables: Array("# its own\nTELEGRAM_BOT_TOKEN=\"7:a-token-of-nobody\"\n".utf8),
                access: Array(access.utf8), folder: "/home/ann/.claude/channels/telegram"))
        #expect(found.secrets == ["TELEGRAM_TOKEN": "7:a-token-of-nobody"])
        #expect(
            found.access == [
                "dm_policy": "pairing", "allow": ["42", "43"],
                "groups": ["-1001": ["require_mention": false, "allow": ["42"]]],
            ])
        #expect(!found.title.contains("token-of"))
        #expect(found.notes.contains { $0.contains("claude plugin disable") })
    }

    @Test func whatIsNoSetupIsNotTaken() {
        #expect(OfficialPlugin.read(variables: [], access: [], folder: "/x") == nil)
        let odd = OfficialPlugin.read(
            variables: Array("TELEGRAM_BOT_TOKEN=not a token\n".utf8), access: [], folder: "/x")
        #expect(odd == nil)
        let bare = OfficialPlugin.read(
            variables: Array("TELEGRAM_BOT_TOKEN=7:abcdefgh\r\n".utf8), access: Array("[".utf8), folder: "/x")
        #expect(bare?.access == [:])
    }

    @Test func addressesAndProxiesAreChecked() throws {
        let secrets = SecretResolver(
            places: Places(home: "/nowhere"), environment: ["T": "7:abcdefgh", "P": "ann:a:b"])
        func settings(_ more: JSONObject) throws(AdapterFailure) -> TelegramSettings {
            var settings: JSONObject = ["token": "env:T"]
            for member in more { settings[member.key] = member.value }
            return try TelegramSettings(.object(settings), secrets: secrets, section: "telegram")
        }
        #expect(try settings([:]).fileBase == "https://api.telegram.org/file")
        #expect(try settings(["api_base": "http://localhost:8081"]).fileBase == "http://localhost:8081/file")
        let proxy = try settings(["proxy": "http://proxy.example.org:3128", "proxy_secret": "env:P"]).proxy
        #expect(proxy == .init(host: "proxy.example.org", port: 3128, credentials: .init(user: "ann", password: "a:b")))
        for bad in ["proxy.example.org:3128", "http://proxy", "http://ann:secret@proxy:3128", "http://proxy:0"] {
            #expect(throws: AdapterFailure.self) { try settings(["proxy": .string(bad)]) }
        }
        #expect(throws: AdapterFailure.self) { try settings(["api_base": "ftp://x"]) }
    }
}
