public import Logging

/// The log of one process: static messages with metadata, a line each, to standard error.
///
/// A line about an event carries its id under `event`. Message texts and secrets have no place in it; what is named
/// like a secret, or wrapped in ``Secret``, is redacted all the same.
public struct OperatingLog: LogHandler {
    public var logLevel: Logger.Level
    public var metadata: Logger.Metadata = [:]

    private let label: String
    private let format: LogSettings.Format
    private let output: LogOutput

    /// Makes this the log of the process; call it once, first thing in `main`.
    /// - Parameter process: the word that lines carry, such as `router` or an adapter's source.
    public static func bootstrap(process: String, settings: LogSettings) {
        let output = LogOutput.standardError
        LoggingSystem.bootstrap { label in
            OperatingLog(label: Self.name(label, in: process), settings: settings, output: output)
        }
    }

    /// `switchboard.` before a label says nothing here, and a part named as its process is the process.
    static func name(_ label: String, in process: String) -> String {
        let own = label.hasPrefix("switchboard.") ? String(label.dropFirst(12)) : label
        return own.isEmpty || own == process ? process : "\(process).\(own)"
    }

    init(label: String, settings: LogSettings, output: LogOutput) {
        self.label = label
        self.output = output
        format = settings.format
        logLevel = settings.level
    }

    public subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    public func log(event: LogEvent) {
        var merged = metadata
        if let own = event.metadata { merged.merge(own) { _, new in new } }
        if let error = event.error, merged["error"] == nil { merged["error"] = "\(error)" }
        let line = LogLine(
            milliseconds: LogOutput.now(), level: event.level, label: label, message: "\(event.message)",
            metadata: merged)
        output.write(format == .json ? line.json : line.text)
    }
}
