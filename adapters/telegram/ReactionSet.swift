/// The emoji that a bot may react with.
enum ReactionSet {
    /// From the Bot API's `ReactionTypeEmoji`; none has a variation selector.
    static let allowed: Set<String> = Set(
        """
        ❤ 👍 👎 🔥 🥰 👏 😁 🤔 🤯 😱 🤬 😢 🎉 🤩 🤮 💩 🙏 👌 🕊 🤡 🥱 🥴 😍 🐳 ❤‍🔥 🌚 🌭 💯 🤣 ⚡ 🍌 🏆 💔 🤨 😐 🍓 🍾 💋 🖕 😈 😴 😭 🤓 👻 \
        👨‍💻 👀 🎃 🙈 😇 😨 🤝 ✍ 🤗 🫡 🎅 🎄 ☃ 💅 🤪 🗿 🆒 💘 🙉 🦄 😘 💊 🙊 😎 👾 🤷‍♂ 🤷 🤷‍♀ 😡
        """.split(separator: " ").map(String.init))

    /// What people and models use elsewhere, and what says the same here.
    private static let nearest: [String: String] = [
        "✅": "👌", "✔": "👌", "☑": "👌", "🆗": "👌", "❌": "👎", "✖": "👎", "⛔": "👎", "🚫": "👎", "⏳": "👀", "⌛": "👀",
        "🔄": "👀", "🔍": "👀", "👁": "👀", "🚀": "🔥", "✨": "🤩", "🎊": "🎉", "🥳": "🎉", "😂": "🤣", "😆": "😁", "😀": "😁",
        "😃": "😁", "😄": "😁", "🙂": "😁", "😊": "🥰", "☺": "🥰", "♥": "❤", "🧡": "❤", "💛": "❤", "💚": "❤", "💙": "❤",
        "💜": "❤", "🖤": "❤", "😮": "😱", "😲": "😱", "😧": "😨", "😞": "😢", "🙁": "😢", "☹": "😢", "😠": "😡", "🤝🏻": "🤝",
        "💪": "👏", "🙌": "👏", "🧑‍💻": "👨‍💻", "👩‍💻": "👨‍💻", "📝": "✍", "🖊": "✍", "🐛": "👾", "💤": "😴", "🎯": "💯",
        "🥇": "🏆", "❓": "🤔", "🤷🏻": "🤷", "⚠": "😨", "❗": "⚡", "💡": "⚡",
    ]

    /// - Returns: the reaction that stands for an emoji; `nil` where there is none.
    static func reaction(for emoji: String) -> String? {
        let plain = plain(emoji)
        return allowed.contains(plain) ? plain : nearest[plain].flatMap { allowed.contains($0) ? $0 : nil }
    }

    /// Without variation selectors and tones of skin.
    static func plain(_ text: String) -> String {
        String(
            String.UnicodeScalarView(
                text.unicodeScalars.filter { $0.value != 0xFE0F && !(0x1F3FB...0x1F3FF).contains($0.value) }))
    }
}
