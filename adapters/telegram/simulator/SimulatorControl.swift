import JSON
import Synchronization

/// The handles under `/simulator/`: what people do, what goes wrong, and what came of it, as JSON over HTTP.
///
/// | POST | |
/// |---|---|
/// | `person` `{id,name}`, `group` `{id,title,forum}`, `topic` `{chat,name}` | who and what there is |
/// | `say` `{from,text,chat,thread,reply_to,count}` | a person writes |
/// | `file` `{from,name,kind,type,text,size,caption,chat,group}` | a person sends a file with this text in it |
/// | `edit` `{chat,message,text}`, `press` `{button,message,chat,from}`, `react` `{emoji,message,chat,from}` | |
/// | `migrate` `{chat,to}`, `update` `{kind,object}` | |
/// | `weather` `{kind,seconds,methods,times}` | `conflict`, `flood`, `silent`, `page`, `broken`, `revoked`, `cut`, `cut-after`, `slow`, `fair` |
/// | `advance` `{seconds}`, `restart-ids` `{next}` | time passes; update ids begin anew |
/// | `shown` `{chat}`, `state` | what the bot wrote; ledger, waiting updates, taps |
struct SimulatorControl {
    let platform: BotPlatform

    func answer(_ action: String, _ body: [UInt8]) async -> JSONValue {
        do {
            let object = body.isEmpty ? JSONValue.object([:]) : try JSONValue(parsing: body)
            return ["ok": true, "result": try act(action, object)]
        } catch {
            return ["ok": false, "description": .string("\(error)")]
        }
    }

    private func act(_ action: String, _ object: JSONValue) throws(BotPlatform.Unknown) -> JSONValue {
        switch action {
        case "person": platform.addPerson(try integer("id", object), object["name"]?.stringValue ?? "Ann")
        case "group":
            platform.addGroup(
                try integer("id", object), object["title"]?.stringValue ?? "Group",
                isForum: object["forum"]?.boolValue ?? false)
        case "topic":
            return .integer(platform.addTopic(object["name"]?.stringValue ?? "Topic", in: try integer("chat", object)))
        case "say" where object["count"] != nil:
            let person = try integer("from", object)
            for _ in 0..<max(0, try integer("count", object)) {
                platform.say(object["text"]?.stringValue, from: person)
            }
        case "say":
            return .integer(
                platform.say(
                    object["text"]?.stringValue, from: try integer("from", object), in: object["chat"]?.integerValue,
                    thread: object["thread"]?.integerValue, replyTo: object["reply_to"]?.integerValue))
        case "file":
            return .integer(
                platform.sendFile(
                    Array((object["text"]?.stringValue ?? "").utf8), name: object["name"]?.stringValue ?? "a.txt",
                    as: object["kind"]?.stringValue ?? "document", type: object["type"]?.stringValue,
                    size: object["size"]?.integerValue, caption: object["caption"]?.stringValue,
                    from: try integer("from", object), in: object["chat"]?.integerValue,
                    group: object["group"]?.stringValue))
        case "edit":
            try platform.edit(
                try integer("message", object), in: try integer("chat", object), to: object["text"]?.stringValue ?? "")
        case "press":
            return .string(
                try platform.press(
                    object["button"]?.stringValue ?? "", on: try integer("message", object),
                    in: try integer("chat", object), from: try integer("from", object)))
        case "react":
            platform.react(
                object["emoji"]?.stringValue, to: try integer("message", object), in: try integer("chat", object),
                from: try integer("from", object))
        case "migrate": platform.migrate(try integer("chat", object), to: try integer("to", object))
        case "update": platform.update(object["kind"]?.stringValue ?? "", object["object"] ?? nil)
        case "weather": try weather(object)
        case "advance": platform.advance(milliseconds: try integer("seconds", object) * 1000)
        case "restart-ids":
            let next = try integer("next", object)
            platform.change { state, _ in state.queue.restart(at: next) }
        case "shown": return .array(platform.shown(in: try integer("chat", object)))
        case "state": return platform.summary
        default: throw BotPlatform.Unknown(description: "there is no \(action) here")
        }
        return true
    }

    private func integer(_ key: String, _ object: JSONValue) throws(BotPlatform.Unknown) -> Int64 {
        guard let value = object[key]?.integerValue else { throw BotPlatform.Unknown(description: "\(key) is missing") }
        return value
    }

    private func weather(_ object: JSONValue) throws(BotPlatform.Unknown) {
        let kind = object["kind"]?.stringValue ?? ""
        let seconds = object["seconds"]?.integerValue ?? 5
        let weather: SimulatedWeather
        switch kind {
        case "fair": return platform.clearUp()
        case "conflict": weather = .conflict
        case "flood": weather = .flood(seconds)
        case "silent": weather = .silent
        case "page": weather = .page
        case "broken": weather = .broken
        case "revoked": weather = .revoked
        case "cut": weather = .cut
        case "cut-after": weather = .cutAfter
        case "slow": weather = .slow(seconds * 1000)
        default: throw BotPlatform.Unknown(description: "there is no weather \(kind)")
        }
        let methods = object["methods"]?.arrayValue?.compactMap { $0.stringValue?.lowercased() }
        platform.forecast(
            Forecast(weather, methods.map { Set($0) }, times: object["times"]?.integerValue.map { Int($0) }))
    }
}

extension BotPlatform {
    /// The weather for a call, used up by it.
    func weather(_ method: String) -> SimulatedWeather? { state.withLock { $0.forecasts.take(method.lowercased()) } }

    var summary: JSONValue {
        state.withLock { state in
            let taps = state.taps.sorted { $0.key < $1.key }.map { id, tap in
                JSONObject.Member(key: id, value: tap.answer.map { .string($0) } ?? nil)
            }
            return [
                "waiting": .integer(Int64(state.queue.count)), "next_update": .integer(state.queue.nextID),
                "polls": .integer(Int64(state.polls)), "conflicts": .integer(Int64(state.conflicts)),
                "expired": .integer(Int64(state.queue.expired)),
                "commits": .array(state.queue.commits.suffix(1000).map { .integer($0.offset) }),
                "taps": .object(JSONObject(taps)),
                "commands": .object(
                    JSONObject(state.commands.map { JSONObject.Member(key: $0.key, value: $0.value) })),
            ]
        }
    }
}
