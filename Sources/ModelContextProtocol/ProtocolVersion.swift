/// The revisions of the Model Context Protocol that open with `initialize`. Claude Code registers no channel on a
/// connection that agreed on a later revision, so none is served.
public enum ProtocolVersion {
    public static let newest = "2025-11-25"
    /// Newest first.
    public static let served = [newest, "2025-06-18", "2025-03-26", "2024-11-05"]

    /// What `initialize` answers: the client's revision when it is served, else the newest. Never an error, which
    /// would break clients that only ask too high.
    public static func answer(to requested: String?) -> String {
        guard let requested, served.contains(requested) else { return newest }
        return requested
    }
}
