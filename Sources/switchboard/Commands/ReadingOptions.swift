import ArgumentParser

/// What all commands that read have in common.
struct ReadingOptions: ParsableArguments {
    @Flag(help: "Print JSON; its form is stable.")
    var json = false
}
