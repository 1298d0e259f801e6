import BusProtocol
import JSON
import ModelContextProtocol

/// The router's answers as Claude reads them.
///
/// Texts of messages stand behind `> `, a mark on every line, so that no text can pass for the line above it that says
/// who wrote it; forged tags are neutralised as they are in a channel notification.
enum ToolAnswer {
    static func result(of tool: String, _ outcome: Answer.Outcome) -> ToolResult {
        switch outcome {
        case .failure(let code, let message):
            return .failure(message.isEmpty ? "Switchboard refused the call (\(code))." : message)
        case .success(let value):
            switch tool {
            case "reply", "react", "edit_message", "ask", "notify": return reply(value)
            case "progress", "pass": return said(value)
            case "download_attachment": return downloaded(value)
            case "conversations": return ToolResult([conversations(value)])
            default: return ToolResult([messages(value, tool)])
            }
        }
    }

    private static func reply(_ value: JSONValue) -> ToolResult {
        let status = value["status"]?.stringValue ?? "unknown"
        let ids = value["ids"]?.arrayValue?.compactMap(\.stringValue) ?? []
        let message = value["message"]?.stringValue ?? ""
        var text: String
        switch status {
        case "sent": text = ids.isEmpty ? "Sent." : "Sent (\(ids.joined(separator: ", ")))."
        case "queued": text = "Queued: Switchboard keeps it and sends it later. Do not send it again."
        default: text = "Unknown: it may have been sent or not. Do not send it again unasked."
        }
        if status == "sent", let remark = value["remark"]?.stringValue, !remark.isEmpty {
            text += " " + remark.prefix(1).uppercased() + remark.dropFirst() + "."
        } else if status != "sent", message.lowercased().hasPrefix(status) {
            // The router's sentence says it all.
            text = message.prefix(1).uppercased() + message.dropFirst()
        } else if !message.isEmpty, message != status {
            text += " " + message
        }
        var structured: JSONObject = ["status": .string(status), "ids": .array(ids.map(JSONValue.string))]
        structured["parts"] = value["parts"]
        return ToolResult([text], structured: structured)
    }

    private static func said(_ value: JSONValue) -> ToolResult {
        let message = value["message"]?.stringValue ?? "done"
        var structured: JSONObject = [:]
        for name in ["status", "count"] { structured[name] = value[name] }
        return ToolResult([message.prefix(1).uppercased() + message.dropFirst() + "."], structured: structured)
    }

    private static func downloaded(_ value: JSONValue) -> ToolResult {
        let path = value["path"]?.stringValue ?? ""
        let size = value["size"]?.integerValue ?? 0
        return ToolResult(
            ["The file lies at \(path) (\(size) bytes)."],
            structured: ["path": .string(path), "size": .integer(size)])
    }

    private static func conversations(_ value: JSONValue) -> String {
        let list = value["conversations"]?.arrayValue ?? []
        guard !list.isEmpty else { return "No conversation has reached this session yet." }
        return list.map { item in header(item, except: []) }.joined(separator: "\n")
    }

    private static func messages(_ value: JSONValue, _ tool: String) -> String {
        let list = value["messages"]?.arrayValue ?? []
        guard !list.isEmpty else {
            return tool == "inbox" ? "No messages are waiting." : "There are no such messages in this conversation."
        }
        var blocks = list.map { message in
            header(message, except: ["text"]) + "\n" + quoted(message["text"]?.stringValue ?? "")
        }
        if let omitted = value["omitted"]?.integerValue {
            blocks.append("\(omitted) messages of people who are not let in are left out.")
        }
        if value["more"]?.boolValue == true {
            blocks.append(tool == "inbox" ? "There are more; call inbox again." : "There are more before these.")
        }
        return blocks.joined(separator: "\n\n")
    }

    /// `chat_id=… user=… …`: every member that is a plain value, in the router's order.
    private static func header(_ item: JSONValue, except names: Set<String>) -> String {
        (item.objectValue ?? [:]).compactMap { member -> String? in
            guard !names.contains(member.key) else { return nil }
            switch member.value {
            case .string(let text):
                let isName = member.key == "user" || member.key == "chat_title" || member.key == "title"
                guard let value = isName ? AttributeText.name(text, limit: 128) : AttributeText.identifier(text) else {
                    return nil
                }
                return "\(member.key)=\(JSONValue.string(value).text)"
            case .integer, .number, .bool: return "\(member.key)=\(member.value.text)"
            case .null, .array, .object: return nil
            }
        }.joined(separator: " ")
    }

    private static func quoted(_ text: String) -> String {
        TagNeutralizer.neutralize(text).split(omittingEmptySubsequences: false, whereSeparator: \.isNewline)
            .map { "> \($0)" }.joined(separator: "\n")
    }
}
