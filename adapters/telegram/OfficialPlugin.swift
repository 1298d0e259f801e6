import AdapterKit

/// What the official channel plugin keeps of its set-up: token, allowlist and groups.
enum OfficialPlugin {
    /// Longest file that is read, in bytes.
    static let limit = 1 << 20

    /// - Parameter environment: its `TELEGRAM_STATE_DIR` and `CLAUDE_CONFIG_DIR` move the folder, as they do for the plugin.
    static func find(_ environment: [String: String]) -> SetupImport? {
        guard let folder = folder(environment) else { return nil }
        let variables: [UInt8]
        let access: [UInt8]
        do throws(HomeError) {
            variables = try SmallFile.read("\(folder)/.env", limit: limit) ?? []
            access = try SmallFile.read("\(folder)/access.json", limit: limit) ?? []
        } catch {
            return nil  // what we may not read is not taken over
        }
        return read(variables: variables, access: access, folder: folder)
    }

    static func read(variables: [UInt8], access: [UInt8], folder: String) -> SetupImport? {
        guard let token = token(in: String(decoding: variables, as: UTF8.self)), TelegramSettings.isToken(token) else {
            return nil
        }
        let policy = policy(access)
        let allowed = policy["allow"]?.arrayValue?.count ?? 0
        let groups = policy["groups"]?.objectValue?.count ?? 0
        return SetupImport(
            title:
                "the official plugin's set-up in \(folder): its bot, \(allowed) allowed \(allowed == 1 ? "person" : "people"), \(groups) \(groups == 1 ? "group" : "groups")",
            secrets: ["TELEGRAM_TOKEN": token], access: policy,
            notes: [
                "The official plugin polls the same bot in every session that has it, and Telegram lets only one poll. Switch it off: claude plugin disable telegram@claude-plugins-official",
                "Nobody may answer permission prompts yet: a sender is no approver. See: switchboard access --help",
            ])
    }

    private static func folder(_ environment: [String: String]) -> String? {
        if let folder = environment["TELEGRAM_STATE_DIR"], !folder.isEmpty { return folder }
        if let claude = environment["CLAUDE_CONFIG_DIR"], !claude.isEmpty { return "\(claude)/channels/telegram" }
        return environment["HOME"].map { "\($0)/.claude/channels/telegram" }
    }

    private static func token(in text: String) -> String? {
        for line in text.split(whereSeparator: \.isNewline) {
            let parts = line.split(separator: "=", maxSplits: 1)
            guard parts.count == 2, parts[0].filter({ !$0.isWhitespace }) == "TELEGRAM_BOT_TOKEN" else { continue }
            return parts[1].filter { !$0.isWhitespace && $0 != "\"" && $0 != "'" }
        }
        return nil
    }

    /// Its policy in our words. Only ids are taken: names are no proof of anybody.
    private static func policy(_ bytes: [UInt8]) -> JSONObject {
        let access: JSONValue
        do throws(JSONError) {
            access = try JSONValue(parsing: bytes)
        } catch {
            return [:]  // none, or one that is no JSON: people pair anew
        }
        var policy: JSONObject = [:]
        if let word = access["dmPolicy"]?.stringValue, ["pairing", "allowlist", "disabled"].contains(word) {
            policy["dm_policy"] = .string(word)
        }
        let allowed = ids(access["allowFrom"])
        if !allowed.isEmpty { policy["allow"] = .array(allowed) }
        var groups: JSONObject = [:]
        for group in access["groups"]?.objectValue ?? [:] where Int64(group.key) != nil {
            groups[group.key] = [
                "require_mention": .bool(group.value["requireMention"]?.boolValue ?? true),
                "allow": .array(ids(group.value["allowFrom"])),
            ]
        }
        if !groups.isEmpty { policy["groups"] = .object(groups) }
        return policy
    }

    private static func ids(_ list: JSONValue?) -> [JSONValue] {
        (list?.arrayValue ?? []).compactMap { $0.stringValue ?? $0.integerValue.map { String($0) } }
            .filter { Int64($0) != nil }.map(JSONValue.string)
    }
}
