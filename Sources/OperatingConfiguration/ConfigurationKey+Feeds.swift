import JSON

extension ConfigurationKey {
    static let feed: [ConfigurationKey] = [
        ConfigurationKey(
            "match", .object(match), "As in `routes`: all that is given must match.", standard: [:]),
        ConfigurationKey(
            "report_to", .text(.conversation),
            "The chat in which people see what comes and what Claude says to it; what they answer there goes to the session."
        ),
        ConfigurationKey(
            "ring", .choice(["never", "firing", "always"]),
            "What makes a sound there; the rest appears silently.", standard: "firing"),
        ConfigurationKey(
            "quiet_hours", .text(.hours),
            "As in 22:00-07:00, by this machine's clock: no session is woken and nothing rings; it all comes when they end."
        ),
    ]
}
