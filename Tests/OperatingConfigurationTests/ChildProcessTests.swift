import OperatingHome
import Testing

#if canImport(Darwin)
    import Darwin
#else
    import Glibc
#endif

@Suite struct ChildProcessTests {
    static func shell(_ script: String, hasLifeline: Bool = false) -> ChildCommand {
        ChildCommand("/bin/sh", ["-c", script], environment: ["PATH": "/usr/bin:/bin"], hasLifeline: hasLifeline)
    }

    static func all(_ file: Int32?) -> String {
        guard let file else { return "" }
        var bytes: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 1024)
        while true {
            let count = read(file, &chunk, chunk.count)
            if count < 0 && errno == EINTR { continue }
            guard count > 0 else { break }
            bytes += chunk[..<count]
        }
        close(file)
        return String(decoding: bytes, as: UTF8.self)
    }

    @Test func codesAndSignalsAreResults() async throws {
        #expect(await (try ChildProcess.start(Self.shell("exit 7"))).exit() == .exited(7))
        #expect(await (try ChildProcess.start(Self.shell("kill -9 $$"))).exit() == .signalled(9))
    }

    @Test func aProgramThatIsNotThereIsAnError() {
        #expect { _ = try ChildProcess.start(ChildCommand("/nowhere/program")) } throws: { error in
            (error as? HomeError)?.code == .spawn && "\(error)".contains("/nowhere/program")
        }
    }

    @Test func outputAndErrorsComeThroughPipesInOrder() async throws {
        var command = Self.shell("echo one; echo two >&2; echo three")
        command.output = .pipe
        command.mergesErrors = true
        let child = try ChildProcess.start(command)
        #expect(Self.all(child.output) == "one\ntwo\nthree\n")
        #expect(await child.exit() == .exited(0))
    }

    @Test func theChildSeesItsLifelineEnd() async throws {
        // `read` returns when the pipe ends: the child outlives nobody.
        let child = try ChildProcess.start(
            Self.shell("read -r line <&$SWITCHBOARD_LIFELINE; exit 5", hasLifeline: true))
        #expect(child.status == nil)
        child.cutLifeline()
        #expect(await child.exit() == .exited(5))
    }

    @Test func onlyWhatIsMeantIsInherited() async throws {
        // A lifeline that leaked into a sibling would keep it alive; the shell lists what it has open.
        let first = try ChildProcess.start(Self.shell("read -r line <&3", hasLifeline: true))
        var command = Self.shell("ls /dev/fd | sort -n | tr '\\n' ' '")
        command.output = .pipe
        let second = try ChildProcess.start(command)
        let open = Self.all(second.output).split(separator: " ").compactMap { Int($0) }
        #expect(open.allSatisfy { $0 <= 3 }, "\(open)")
        first.cutLifeline()
        _ = await first.exit()
    }

    @Test func aSignalAfterTheEndGoesToNobody() async throws {
        let child = try ChildProcess.start(Self.shell("exit 0"))
        _ = await child.exit()
        #expect(!child.signal(SIGTERM))
    }

    @Test func ignoredSignalsAreUsualAgainInTheChild() async throws {
        signal(SIGPIPE, SIG_IGN)
        let child = try ChildProcess.start(Self.shell("kill -PIPE $$; exit 3"))
        #expect(await child.exit() == .signalled(SIGPIPE))
    }

    @Test func programsAreFoundOnAbsolutePathEntriesOnly() throws {
        #expect(try ProgramFinder.find("sh", path: "relative:/bin") == "/bin/sh")
        #expect(try ProgramFinder.find("sh", path: "bin:.") == nil)
        #expect(try ProgramFinder.find("../bin/sh", path: "/bin") == nil)
    }
}
