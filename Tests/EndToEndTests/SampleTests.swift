import JSON
import OperatingHome
import SwitchboardTesting
import Testing

#if canImport(Darwin)
    import Darwin
#else
    import Glibc
#endif

/// A route tried out as its owner does it at the keyboard: a signed sample in, and the same event once more.
@Suite(.serialized) struct SampleTests {
    private static let configuration = """
        adapters:
          webhook:
            listen: "127.0.0.1:{port}"
            routes:
              repo: { scheme: github, secret: "file:repo.secret", template: "{{repository.full_name}}: {{word}}" }
              talk: { secret: "file:talk.secret" }
        routes: [{ match: { conversation: "webhook:repo" }, to: api }]
        delivery: { attach_settle: 0s, first_push_wait: 0s }

        """

    private func write(_ text: String, _ path: String) throws {
        guard let file = fopen(path, "w") else {
            throw SwitchboardHomeFixture.Failure(description: "cannot write \(path)")
        }
        fputs(text, file)
        fclose(file)
        chmod(path, 0o600)
    }

    @Test(.timeLimit(.minutes(2))) func aSignedSampleArrivesAndIsReplayed() async throws {
        try await SwitchboardHomeFixture.with(configuration: Self.configuration) { home in
            try write("a secret", home.places.configuration + "/repo.secret")
            try write("a token", home.places.configuration + "/talk.secret")
            let payload = home.places.configuration + "/payload.json"
            try write(#"{"repository":{"full_name":"acme/api"},"word":"built"}"#, payload)
            try await home.up()
            let session = try await home.session("api")

            let unsigned = try await home.switchboard("send", "--route", "repo", "--file", payload)
            #expect(!unsigned.status.isSuccess && unsigned.output.contains("401"))
            let signed = try await home.switchboard("send", "--route", "repo", "--file", payload, "--sign", "--json")
            #expect(signed.status.isSuccess, "\(signed.errors)")
            let answer = try JSONValue(parsing: signed.output)
            let event = try #require(answer["answer"]?["body"]?["event_id"]?.stringValue)
            #expect(try await session.channelEvents(1)[0].content == "acme/api: built")

            let replayed = try await home.switchboard("replay", event)
            #expect(replayed.status.isSuccess, "\(replayed.errors)")
            #expect(replayed.output.contains("again to api"))
            let again = try await session.channelEvents(2)[1]
            #expect(again.content == "acme/api: built")
            #expect(again.meta["redelivery"] != nil)

            let token = try await home.switchboard("send", "--route", "talk", "--file", payload, "--sign")
            #expect(token.status.isSuccess && token.output.contains("202"))
            for wrong in [["--route", "none", "--file", payload], ["--route", "repo", "--file", "/nothing"]] {
                let run = try await home.run("switchboard", ["send"] + wrong)
                #expect(!run.status.isSuccess && !run.errors.isEmpty)
            }
        }
    }
}
