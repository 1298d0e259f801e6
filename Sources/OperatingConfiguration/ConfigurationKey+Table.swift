import JSON

extension ConfigurationKey {
    /// Every key of `switchboard.yaml`. Add one here and in `config/switchboard.yaml`; a test compares the two.
    static let table: [ConfigurationKey] = [
        ConfigurationKey(
            "adapters", .entries(.source, .object(adapter, isOpen: true)),
            "A source per entry. `kind` is the adapter's program, `switchboard-<kind>`; all other settings are the "
                + "adapter's own and checked by it. Without this key a webhook runs on 127.0.0.1:8441.",
            standard: ["webhook": [:]]),
        ConfigurationKey(
            "access",
            .shorthand(
                "static", for: ["static": true], .entries(.source, .object(access), beside: [accessStatic])),
            "Who is let in, per source. Nobody is by default. `access: static` is the same as `static: true` in it.",
            standard: [:]),
        ConfigurationKey(
            "routes", .list(.object(route)), "Which session gets what; the first match wins.", standard: []),
        ConfigurationKey(
            "feeds", .list(.object(feed)),
            "How people see what programs send, and when it may not disturb; the first match wins.", standard: []),
        ConfigurationKey(
            "delivery", .object(delivery), "When a session is written to, and what senders read meanwhile.",
            standard: [:]),
        ConfigurationKey("files", .object(files), "How much of files is taken.", standard: [:]),
        ConfigurationKey(
            "permissions", .object(permissions), "How Claude's permission prompts are relayed to approvers.",
            standard: [:]),
        ConfigurationKey("retention", .object(retention), "How long things are kept.", standard: [:]),
        ConfigurationKey("router", .object(router), "The router's socket for other machines.", standard: [:]),
        ConfigurationKey("log", .object(log), "How the processes log.", standard: [:]),
        ConfigurationKey(
            "people", .entries(.label, .object(person)),
            "People with several addresses. The owner is asked and told first.", standard: [:]),
        .later("sessions"), .later("door"),
    ]

    static let adapter: [ConfigurationKey] = [
        ConfigurationKey(
            "kind", .text(.kind), "The adapter's program is `switchboard-<kind>`; the entry's name by default."),
        ConfigurationKey("enabled", .flag, "Whether `switchboard up` runs it.", standard: true),
    ]

    private static let accessStatic = ConfigurationKey(
        "static", .flag, "Whether this section is all there is: `switchboard access` then changes nothing.",
        standard: false)

    private static let access: [ConfigurationKey] = [
        ConfigurationKey(
            "allow", .list(.text(.sender)), "Permanent ids of senders who are let in; never names.", standard: []),
        ConfigurationKey(
            "approvers", .list(.text(.sender)),
            "Permanent ids of those who may answer permission prompts; they are let in, too.", standard: []),
        ConfigurationKey(
            "dm_policy", .choice(["pairing", "allowlist", "disabled"]),
            "What becomes of a stranger's direct message: a code to be let in with, or nothing. `pairing` by default, "
                + "`allowlist` for an adapter of somebody's own account."),
        ConfigurationKey(
            "groups", .entries(.identifier, .object(group)),
            "Groups and channels that are on, by the chat's id; their threads inherit.", standard: [:]),
        ConfigurationKey(
            "sessions", .list(.object(limit)),
            "Which sessions some senders or chats are limited to; the first match holds. No limit by default.",
            standard: []),
        ConfigurationKey(
            "bot_budget", .number(0...1_000), "Messages of one listed bot in one conversation within a minute.",
            standard: 20),
        ConfigurationKey(
            "trust_loopback", .flag,
            "Whether a process of the same user on this machine is let in. A browser never is.", standard: true),
    ]

    private static let group: [ConfigurationKey] = [
        ConfigurationKey("require_mention", .flag, "Whether a message must address the bot.", standard: true),
        ConfigurationKey(
            "mention_patterns", .list(.text(.mentionPattern)),
            "Words that count as a mention; `*` stands for anything, upper and lower case are the same.", standard: []),
        ConfigurationKey(
            "allow", .list(.text(.groupMember)),
            "Who is let in: permanent ids, `role:ID`, or `anyone`. `[]` is nobody; without it, who the source lets in."),
        ConfigurationKey(
            "sessions", .list(.text(.label)), "The sessions that can be reached from there; all without it."),
    ]

    private static let limit: [ConfigurationKey] = [
        ConfigurationKey("sender", .text(.sender), "A sender's permanent id; everybody without it."),
        ConfigurationKey("chat", .text(.identifier), "A chat's id, with all of its threads; every one without it."),
        ConfigurationKey(
            "to", .list(.text(.label)), "Labels of the sessions; while none is here, the first keeps what comes.",
            presence: .required),
    ]

    private static let person: [ConfigurationKey] = [
        ConfigurationKey("owner", .flag, "Whether this Switchboard is theirs.", standard: false),
        ConfigurationKey(
            "addresses", .list(.text(.address)), "`source:id`, in order of preference.", presence: .required),
    ]

    private static let route: [ConfigurationKey] = [
        ConfigurationKey(
            "match", .object(match), "All that is given must match; nothing given matches all.", standard: [:]),
        ConfigurationKey("to", .text(.label), "The label of the session; it keeps what comes while it is away."),
        ConfigurationKey(
            "first_idle", .list(.text(.label)),
            "Instead of `to`: the first of these sessions that is there and idle, else the one with least to do."),
        ConfigurationKey(
            "all", .list(.text(.label)),
            "Instead of `to`: each of these sessions gets it; `[]` is each that is there."),
        ConfigurationKey("hold", .flag, "Instead of `to`: it waits until a person chooses with /use.", standard: false),
        ConfigurationKey(
            "urgent", .flag, "It goes to its session at once, also while a turn runs. Stands alone, too.",
            standard: false),
    ]

    static let match: [ConfigurationKey] = [
        ConfigurationKey("conversation", .text(.conversation), "`source:chat` or `source:chat/thread`."),
        ConfigurationKey("source", .text(.source), "The name of an adapter's entry."),
        ConfigurationKey("thread", .text(.identifier), "The id of a thread or topic, whatever its chat."),
        ConfigurationKey("sender", .text(.identifier), "A sender's permanent id."),
        ConfigurationKey("kind", .text(.identifier), "The kind of event: message, edit, reaction, alert, …"),
        ConfigurationKey(
            "text", .text(.mentionPattern),
            "Words that the text holds; `*` stands for anything, upper and lower case are the same."),
    ]

    private static let delivery: [ConfigurationKey] = [
        ConfigurationKey(
            "attach_settle", .duration(0...60_000),
            "A session that has just attached gets nothing for so long, unless one of its hooks shows it is real.",
            standard: "3s"),
        ConfigurationKey(
            "first_push_wait", .duration(0...60_000),
            "Its first message goes alone; the rest so long after it where no hook proves that it was seen.",
            standard: "5s"),
        ConfigurationKey(
            "deaf_after", .duration(1_000...600_000),
            "A message that an idle session with hooks does not show to have seen for so long was not heard: its sender "
                + "is told.", standard: "30s"),
        ConfigurationKey(
            "answer_with_transcript", .flag,
            "Whether Claude's closing words go to whoever waits when a turn ends without an answer; else a short notice "
                + "does.", standard: false),
        ConfigurationKey(
            "show_progress", .flag,
            "Whether messages get marks, and senders read that they wait, for whom and how long.", standard: true),
        ConfigurationKey(
            "quiet_window", .duration(0...5_000),
            "Parts that belong together (an album, a paste that was split) are waited for so long after each of them.",
            standard: "1s"),
        ConfigurationKey(
            "wake_budget", .number(1...1_000),
            "How often one feed may wake its session within a minute; what is more comes as a digest.", standard: 20),
    ]

    private static let files: [ConfigurationKey] = [
        ConfigurationKey(
            "image", .number(0...1_024),
            "A picture up to so many MB is fetched with its message, so that Claude sees it at once.", standard: 10),
        ConfigurationKey(
            "image_wait", .duration(0...60_000),
            "A message waits so long for its pictures, and goes without them then.",
            standard: "5s"),
        ConfigurationKey("largest", .number(1...2_048), "No longer file comes in or goes out, in MB.", standard: 50),
        ConfigurationKey(
            "total", .number(1...1_048_576), "What all kept files may take, in MB; past it the oldest go.",
            standard: 1_024),
    ]

    private static let retention: [ConfigurationKey] = [
        ConfigurationKey(
            "text_days", .number(1...36_500), "Days that a text is kept once nothing waits for it.", standard: 30),
        ConfigurationKey(
            "id_days", .number(1...36_500),
            "Days that an event's id is kept, so that a late repetition is recognized; at least `text_days`.",
            standard: 90),
    ]

    private static let router: [ConfigurationKey] = [
        ConfigurationKey(
            "listen", .text(.endpoint),
            "A TCP address for peers on other machines, always with CURVE; needs the three keys below. None by default."
        ),
        ConfigurationKey("public_key", .text(.curveKey), "The router's CURVE public key, Z85."),
        ConfigurationKey("secret_key", .text(.reference), "The router's CURVE secret key, as a reference."),
        ConfigurationKey("peers", .list(.object(peer)), "Who may connect to `listen`, and as what.", standard: []),
    ]

    private static let peer: [ConfigurationKey] = [
        ConfigurationKey("public_key", .text(.curveKey), "The peer's CURVE public key, Z85.", presence: .required),
        ConfigurationKey(
            "role", .choice(["adapter", "endpoint", "operator"]), "What this key may be.", presence: .required),
        ConfigurationKey(
            "name", .text(.label), "The source or the label that this key may claim.", presence: .required),
    ]

    private static let log: [ConfigurationKey] = [
        ConfigurationKey("format", .choice(["text", "json"]), "A line for people or a JSON object.", standard: "text"),
        ConfigurationKey(
            "level", .choice(["trace", "debug", "info", "notice", "warning", "error", "critical"]),
            "The least important lines that are written.", standard: "info"),
    ]
}
