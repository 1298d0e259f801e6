/// What to start as a child, and how it is tied to this process.
public struct ChildCommand: Sendable {
    /// Where the child's standard output or error goes.
    public enum Output: Hashable, Sendable {
        case inherit
        case null
        /// A pipe; its reading end is ``ChildProcess/output`` or ``ChildProcess/errors``.
        case pipe
        /// Appended to a file that only the user can read.
        case file(String)
    }

    public enum Input: Hashable, Sendable {
        case inherit, null
        /// A pipe; its writing end is ``ChildProcess/input``.
        case pipe
    }

    /// Absolute path of the program.
    public var program: String
    /// Arguments after the program's name.
    public var arguments: [String]
    /// The whole environment of the child.
    public var environment: [String: String]
    public var input: Input = .null
    public var output: Output = .inherit
    public var errors: Output = .inherit
    /// Whether the child ends when this process does; it must call ``Lifeline/watch(onCut:)``.
    public var hasLifeline: Bool
    /// Standard error goes where standard output does, so that lines keep their order; ``errors`` is not read then.
    public var mergesErrors = false
    /// A session of its own: the child outlives the terminal. Else it gets a process group of its own, so that a
    /// terminal's Ctrl-C reaches the supervisor alone, which stops its children in order.
    public var isDetached = false

    public init(
        _ program: String, _ arguments: [String] = [], environment: [String: String] = ProcessEnvironment.all(),
        hasLifeline: Bool = true
    ) {
        self.program = program
        self.arguments = arguments
        self.environment = environment
        self.hasLifeline = hasLifeline
    }
}
