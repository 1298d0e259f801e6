import JSON
import OperatingHome
import SwitchboardTesting
import Testing

#if canImport(Darwin)
    import Darwin
#else
    import Glibc
#endif

/// A person at a terminal instead of Claude, and the examination of a home, over the real programs.
@Suite struct AttachTests {
    @Test func aPersonSeesAMessageAndAnswersIt() async throws {
        try await SwitchboardHomeFixture.with(configuration: MainJobTests.configuration) { home in
            try await home.up()
            let stream = try await MainJobTests.replies(home)
            var command = try home.command("switchboard", ["attach", "--session", "me"])
            command.input = .pipe
            command.output = .pipe
            command.errors = .null
            command.hasLifeline = false
            let person = try home.start(command)
            let shown = try ProgramOutput(try #require(person.output))
            let keyboard = try #require(person.input)
            _ = try await MainJobTests.curl(home, "build failed")
            #expect(await shown.waitFor("build failed"))
            let line = Array("looking into it\n".utf8)
            #expect(write(keyboard, line, line.count) == line.count)
            try await stream.says("looking into it")
            #expect(await shown.waitFor("→ webhook:ci: sent"))
            #expect(try await home.json("sessions")["sessions"]?.arrayValue?.first?["label"] == "me")
            close(keyboard)
            #expect(await person.exit() == .exited(0))
            let history = try await home.json("history")
            #expect(history["events"]?.arrayValue?.last?["deliveries"]?.arrayValue?.first?["state"] == "answered")
        }
    }

    @Test func withoutARouterItSaysHowToStartOne() async throws {
        try await SwitchboardHomeFixture.with(configuration: UpTests.bare) { home in
            let attach = try await home.switchboard("attach")
            #expect(attach.status == .exited(1))
            #expect(attach.errors.contains("switchboard up"))
        }
    }

    @Test func theDoctorNamesWhatIsBrokenAndItsMend() async throws {
        try await SwitchboardHomeFixture.with(configuration: UpTests.bare) { home in
            let before = try await home.switchboard("doctor")
            #expect(before.status == .exited(1))
            #expect(before.output.contains("MEND  router") && before.output.contains("switchboard up --detach"))
            try await home.up()
            let after = try await home.switchboard("doctor")
            #expect(after.status == .exited(0), "\(after.output)")
            let findings = try await home.json("doctor")
            #expect(findings["ok"] == true)
            #expect(
                findings["findings"]?.arrayValue?.contains { $0["subject"] == "store" && $0["grade"] == "good" } == true
            )
        }
    }

    @Test func theDoctorNamesAWrongSettingAndAMissingProgram() async throws {
        let configuration = "adapters: { nowhere: {}, webhook: { listen: \"127.0.0.1:{port}\", rutes: {} } }\n"
        try await SwitchboardHomeFixture.with(configuration: configuration) { home in
            let outcome = try await home.switchboard("doctor")
            #expect(outcome.status == .exited(1))
            #expect(outcome.output.contains("there is no program switchboard-nowhere"))
            #expect(outcome.output.contains("adapters.webhook.rutes"))
        }
    }
}
