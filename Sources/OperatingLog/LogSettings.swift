public import Logging

/// How a process writes its log: the environment's word, which `switchboard up` hands to its children.
public struct LogSettings: Hashable, Sendable {
    public enum Format: String, Sendable, CaseIterable {
        /// A line for people.
        case text
        /// A JSON object a line, for programs.
        case json
    }

    public var format: Format
    public var level: Logger.Level

    public init(format: Format = .text, level: Logger.Level = .info) {
        self.format = format
        self.level = level
    }

    /// `text` or `json`.
    public static let formatVariable = "SWITCHBOARD_LOG"
    /// `trace`, `debug`, `info`, `notice`, `warning`, `error` or `critical`.
    public static let levelVariable = "SWITCHBOARD_LOG_LEVEL"

    /// Reads the two variables; a value that is none of those listed leaves what `fallback` says.
    public init(environment: [String: String], fallback: LogSettings = LogSettings()) {
        self.init(
            format: environment[Self.formatVariable].flatMap(Format.init) ?? fallback.format,
            level: environment[Self.levelVariable].flatMap { Logger.Level(rawValue: $0) } ?? fallback.level)
    }

    /// The variables that give a child the same settings.
    public var environment: [String: String] {
        [Self.formatVariable: format.rawValue, Self.levelVariable: level.rawValue]
    }
}
