import JSON

extension ConfigurationKey {
    static let permissions: [ConfigurationKey] = [
        ConfigurationKey(
            "card_delay", .duration(0...600_000),
            "A prompt of a turn that was begun at the terminal waits there so long before approvers get a card.",
            standard: "0s"),
        ConfigurationKey(
            "limit", .duration(10_000...86_400_000),
            "After so long without an answer on_timeout happens; each time it takes twice as long again.",
            standard: "15m"),
        ConfigurationKey(
            "on_timeout", .choice(["renew", "escalate", "deny"]),
            "renew: the card is sent again. escalate: the owner is asked alone first, then the next approver, too. "
                + "deny: the answer is no.", standard: "renew"),
        ConfigurationKey(
            "cards_here", .list(.text(.conversation)),
            "Conversations that show the card themselves when a message there began the turn.", standard: []),
        ConfigurationKey(
            "grants", .flag, "Whether standing grants can be given and are used: `switchboard access grant`.",
            standard: false),
        ConfigurationKey(
            "two_person", .list(.text(.identifier)), "Tools that two different approvers must allow.", standard: []),
    ]
}
