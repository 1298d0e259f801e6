/// What the configuration's `delivery` says about turns. Times in milliseconds.
public struct TurnSettings: Hashable, Sendable {
    /// Whether Claude's closing words go to whoever waits for an answer that was not given.
    public var answersWithTranscript: Bool
    /// Whether a sender is told how long the session is busy, and whether marks are set on messages.
    public var showsProgress: Bool

    /// What an idle session with hooks does not show to have seen for so long it does not hear.
    public var deafAfter: Int64
    /// Parts that belong together are waited for so long after each of them.
    public var quietWindow: Int64
    /// How often one feed may wake its session within a minute; more comes as a digest.
    public var wakeBudget: Int

    /// A sender is told that nobody is there when that lasts longer than a restart.
    public static let awayNotice: Int64 = 10_000
    /// A sender is told that the session is busy when that lasts longer than this, and then anew each ``lineRenewal``.
    public static let lineAfter: Int64 = 20_000
    public static let lineRenewal: Int64 = 60_000
    /// Before an adapter lets the sign that somebody types go out by itself (five minutes).
    static let typingRenewal: Int64 = 240_000

    public init(
        answersWithTranscript: Bool = false, showsProgress: Bool = true, deafAfter: Int64 = 30_000,
        quietWindow: Int64 = 1_000,
        wakeBudget: Int = 20
    ) {
        self.answersWithTranscript = answersWithTranscript
        self.showsProgress = showsProgress
        self.deafAfter = deafAfter
        self.quietWindow = quietWindow
        self.wakeBudget = wakeBudget
    }
}
