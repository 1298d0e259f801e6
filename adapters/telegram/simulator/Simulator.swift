import JSON
import Synchronization

#if canImport(Darwin)
    import Darwin
#else
    import Glibc
#endif

/// A Bot API server without Telegram: to try Switchboard's side without an account, and to test it.
@main enum Simulator {
    static let help = """
        telegram-simulator [--port N] [--token TOKEN]

        A Bot API server on 127.0.0.1 (port 8442 by default) with one bot. What you type is a message to it:

          hello                    from you (id 42), in the private chat
          @99 hello                from the person 99
          !3 Allow                 presses the button "Allow" of message 3
          /weather conflict        conflict, flood, silent, page, broken, cut, fair

        Tests and scripts POST to /simulator/…: see SimulatorControl.swift.

        """

    static func main() async throws {
        var port = 8442
        var token = "7:simulated-token-of-nobody"
        var arguments = CommandLine.arguments.dropFirst()
        while let word = arguments.popFirst() {
            switch word {
            case "--port":
                guard let number = arguments.popFirst().flatMap({ Int($0) }) else {
                    return complain("--port needs a number")
                }
                port = number
            case "--token":
                guard let text = arguments.popFirst(), text.contains(":") else {
                    return complain("--token needs DIGITS:LETTERS")
                }
                token = text
            case "help", "--help", "-h": return say(help)
            default: return complain("there is no argument \(word)\n\n\(help)")
            }
        }
        let platform = BotPlatform(token: token)
        platform.addPerson(42, "You")
        let server = SimulatorServer(platform)
        let bound = try await server.start(port: port)
        say(
            """
            A Bot API server on http://127.0.0.1:\(bound), with the bot @simulated_bot. In secrets.env and switchboard.yaml:

              TELEGRAM_TOKEN=\(token)

              adapters: { telegram: { token: "env:TELEGRAM_TOKEN", api_base: "http://127.0.0.1:\(bound)" } }
              access: { telegram: { allow: ["42"] } }

            Write something; it comes from you, id 42.

            """)
        Transcript(platform).follow()
        let reading = Task.detached { Console(platform).read() }
        try await server.wait()
        reading.cancel()
    }

    static func say(_ text: String) {
        write(text, to: 1)
    }

    private static func complain(_ text: String) {
        write("telegram-simulator: \(text)\n", to: 2)
        exit(64)
    }

    private static func write(_ text: String, to file: Int32) {
        var rest = Array(text.utf8)[...]
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes { systemWrite(file, $0.baseAddress, $0.count) }
            guard count > 0 else { return }
            rest = rest.dropFirst(count)
        }
    }
}

/// Shows a person what the bot writes.
final class Transcript: Sendable {
    private let platform: BotPlatform
    private let shown = Mutex<[String: JSONValue]>([:])

    init(_ platform: BotPlatform) { self.platform = platform }

    func follow() { platform.watch { self.look() } }

    private func look() {
        let chats = platform.state.withLock { Array($0.chats.keys) }
        for chat in chats {
            for message in platform.shown(in: chat) {
                let key = "\(chat)/\(message["message_id"]?.integerValue ?? 0)"
                let before = shown.withLock { $0.updateValue(message, forKey: key) }
                guard before != message else { continue }
                Simulator.say(Self.line(message, chat: chat, isEdit: before != nil))
            }
        }
    }

    private static func line(_ message: JSONValue, chat: Int64, isEdit: Bool) -> String {
        let number = message["message_id"]?.integerValue ?? 0
        let text = message["text"]?.stringValue ?? message["caption"]?.stringValue ?? "[file]"
        let rows = message["reply_markup"]?["inline_keyboard"]?.arrayValue ?? []
        let keys = rows.flatMap { $0.arrayValue ?? [] }.compactMap { $0["text"]?.stringValue }.map { "[\($0)]" }
        let place = chat == 42 ? "" : " in \(chat)"
        return "bot\(isEdit ? " (edited)" : "")\(place) #\(number): \(text) \(keys.joined(separator: " "))\n"
    }
}

/// Reads what a person types.
struct Console {
    private let platform: BotPlatform

    init(_ platform: BotPlatform) { self.platform = platform }

    func read() {
        while let line = readLine() {
            do {
                try take(line)
            } catch {
                Simulator.say("\(error)\n")
            }
        }
    }

    private func take(_ line: String) throws {
        guard let mark = line.first else { return }
        let words = line.dropFirst().split(separator: " ", maxSplits: 1)
        let rest = words.count > 1 ? String(words[1]) : ""
        switch mark {
        case "@":
            if let person = words.first.flatMap({ Int64($0) }) {
                platform.say(rest, from: person)
            } else {
                platform.say(line, from: 42)
            }
        case "!":
            guard let message = words.first.flatMap({ Int64($0) }) else {
                throw BotPlatform.Unknown(description: "write !NUMBER LABEL")
            }
            let tap = try platform.press(rest, on: message, in: 42, from: 42)
            Simulator.say("tap \(tap)\n")
        case "/" where words.first == "weather":
            let object: JSONValue = ["kind": .string(rest)]
            Task { [platform] in
                let answer = await SimulatorControl(platform: platform).answer("weather", object.bytes)
                Simulator.say("\(answer.text)\n")
            }
        default: platform.say(line, from: 42)
        }
    }
}

private func systemWrite(_ file: Int32, _ bytes: UnsafeRawPointer?, _ count: Int) -> Int {
    #if canImport(Darwin)
        Darwin.write(file, bytes, count)
    #else
        Glibc.write(file, bytes, count)
    #endif
}
