import JSON
import ModelContextProtocol

/// The tools by which a session speaks in other ways than with a reply.
extension ChannelTools {
    private static let message = Tool.Parameter(
        "message_id", .string(1...512), required: true, "The message_id of the channel tag, or an id that a tool gave.")

    static let react = Tool(
        name: "react", title: "React to a message",
        description: """
            Put an emoji on a message of a conversation, where the platform has reactions; the result says when it has \
            none. It is no answer: a person's message still needs reply or pass.
            """,
        parameters: [
            chat, message,
            Tool.Parameter("emoji", .string(0...64), required: true, "One emoji, such as 👍; empty takes it back."),
        ],
        annotations: .init(readOnly: false, idempotent: true, openWorld: true))

    static let editMessage = Tool(
        name: "edit_message", title: "Edit a message",
        description: """
            Change the text of a message that this session sent, named by the id that reply gave. For a correction; \
            nobody's phone rings. Where the platform cannot edit, the result says so: reply again then.
            """,
        parameters: [
            chat, message,
            Tool.Parameter(
                "text", .string(1...100_000), required: true, "The whole new text, in Markdown; one message long."),
        ],
        annotations: .init(readOnly: false, destructive: true, idempotent: true, openWorld: true))

    static let ask = Tool(
        name: "ask", title: "Ask with choices",
        description: """
            Ask the people of a conversation a question with choices: buttons where the chat has them, else numbers to \
            answer with. End your turn then: the choice comes as a channel message of kind answer whose reply_to is the \
            question's id. The first answer of somebody who may talk there counts, once. Use it instead of a question \
            at the terminal when the person who asked is in a chat.
            """,
        parameters: [
            chat,
            Tool.Parameter("question", .string(1...3_000), required: true, "The question, in Markdown."),
            Tool.Parameter(
                "choices", .list(2...10, each: 1...60), required: true, "Two to ten short answers to choose from."),
            Tool.Parameter("reply_to", .string(1...512), "message_id of the message it is about."),
        ],
        annotations: .init(readOnly: false, idempotent: false, openWorld: true), meta: alwaysLoaded)

    static let progress = Tool(
        name: "progress", title: "Show what you are doing",
        description: """
            Show one silent status line in a conversation while you work long, such as "tests run, 3 of 12"; calling \
            again changes the same line. It rings for nobody and is no answer. The line ends with your reply there.
            """,
        parameters: [
            chat, Tool.Parameter("text", .string(1...300), required: true, "One short line."),
        ],
        annotations: .init(readOnly: false, idempotent: true, openWorld: true))

    static let pass = Tool(
        name: "pass", title: "Pass a message",
        description: """
            Say that a channel message was seen and needs no answer, such as thanks, or an alert that is none. Nothing is \
            sent. With event_id that message, with chat_id all of the conversation that were seen; give one of them.
            """,
        parameters: [
            Tool.Parameter("event_id", .string(1...1024), "The event_id of the channel tag."),
            Tool.Parameter("chat_id", .string(1...2048), "The chat_id of the channel tag."),
        ],
        annotations: .init(readOnly: false, idempotent: true, openWorld: false), meta: alwaysLoaded)

    static let notify = Tool(
        name: "notify", title: "Tell the owner",
        description: """
            Tell the owner of this Switchboard something on their phone when nobody asked in a chat first, such as "tell \
            me when the build is done". It goes to the first of the owner's addresses that can be reached. Only for what \
            the person at the terminal asked to be told.
            """,
        parameters: [
            Tool.Parameter("text", .string(1...10_000), required: true, "What to tell, in Markdown.")
        ],
        annotations: .init(readOnly: false, idempotent: false, openWorld: true), meta: alwaysLoaded)
}
