/// Everything that is wrong with a configuration, at once, in the order of the file.
public struct ConfigurationError: Error, Hashable, Sendable, CustomStringConvertible {
    public let file: String
    public let problems: [ConfigurationProblem]

    public init(file: String, problems: [ConfigurationProblem]) {
        self.file = file
        self.problems = problems.sorted { ($0.line, $0.column) < ($1.line, $1.column) }
    }

    /// `file:line:column: key: what to do`, a line per problem, as editors and compilers write it.
    public var description: String {
        problems.map { "\(file):\($0.line):\($0.column): \($0.text)" }.joined(separator: "\n")
    }
}
