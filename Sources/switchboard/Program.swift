import ArgumentParser
import OperatingHome

@main
struct Program {
    static let version = SwitchboardVersion.current

    static func main() {
        let arguments = Array(CommandLine.arguments.dropFirst())
        becomeAnother(arguments)
        SwitchboardCommand.main(arguments)
    }

    /// An unknown subcommand `foo` is the program `switchboard-foo`, when there is one, as with git.
    private static func becomeAnother(_ arguments: [String]) {
        guard let word = arguments.first, !word.hasPrefix("-"), word != "help",
            !SwitchboardCommand.configuration.subcommands.contains(where: { $0.configuration.commandName == word })
        else { return }
        do throws(HomeError) {
            guard let program = try ProgramFinder.find("switchboard-" + word) else { return }
            try ProgramFinder.execute(program, Array(arguments.dropFirst()))
        } catch {
            CommandFailure(error.message).report()
            SwitchboardCommand.exit(withError: ExitCode(1))
        }
    }
}
