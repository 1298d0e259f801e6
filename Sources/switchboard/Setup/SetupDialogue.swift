import JSON
import OperatingHome

#if canImport(Darwin)
    import Darwin
#else
    import Glibc
#endif

/// Sets up one adapter with a person at a terminal. Nothing is written before the adapter's own check finds nothing wrong.
struct SetupDialogue {
    let kind: String
    let source: String
    let places: Places
    let takesOver: Bool
    /// Settings that are given and not asked for.
    let given: JSONObject

    /// What is to be written.
    private struct Draft {
        var settings: JSONObject = [:]
        var secrets: [String: String] = [:]
        var access: JSONObject = [:]
        var notes: [String] = []
    }

    func run() throws {
        let program = try ProgramFinder.require("switchboard-\(kind)")
        let router = try ProgramFinder.require("switchboard-router")
        let (plans, _) = try AdapterPlan.all(router: router)
        if plans.contains(where: { $0.name == source }) {
            throw CommandFailure(
                "\(source) stands in \(places.configurationFile) already; change it there, or set up another with --name"
            )
        }
        let questions = try Self.answer(program, ["init", "--json"])["questions"]?.arrayValue ?? []
        var draft = try takeOver(program) ?? Draft()
        while true {
            for member in given { draft.settings[member.key] = member.value }
            for question in questions { try ask(question, &draft) }
            let (problems, notes) = try check(program, draft)
            guard !problems.isEmpty else {
                draft.notes += notes
                break
            }
            for problem in problems { Terminal.complain("  \(Terminal.plain(problem))") }
            guard PersonOnly.confirms("Answer again?") else { throw CommandFailure("nothing was changed") }
            draft.settings = [:]
            draft.secrets = [:]
        }
        try write(draft, plans, router)
        try start()
        for note in draft.notes { Terminal.say(Terminal.plain(note)) }
    }

    // MARK: Asking

    private func takeOver(_ program: String) throws -> Draft? {
        guard takesOver else { return nil }
        for found in try Self.answer(program, ["init", "--import", "--json"])["imports"]?.arrayValue ?? [] {
            let title = Terminal.plain(found["title"]?.stringValue ?? "")
            guard PersonOnly.confirms("Take over \(title)?") else { continue }
            var draft = Draft()
            draft.settings = found["settings"]?.objectValue ?? [:]
            draft.access = found["access"]?.objectValue ?? [:]
            draft.notes = (found["notes"]?.arrayValue ?? []).compactMap(\.stringValue)
            for member in found["secrets"]?.objectValue ?? [:] { draft.secrets[member.key] = member.value.stringValue }
            return draft
        }
        return nil
    }

    private func ask(_ question: JSONValue, _ draft: inout Draft) throws {
        guard let key = question["key"]?.stringValue else { return }
        let secret = question["secret"]?.stringValue.map(secretName)
        if draft.settings[key] != nil { return }
        if let secret, let name = question["secret"]?.stringValue, let value = draft.secrets.removeValue(forKey: name) {
            draft.secrets[secret] = value
            draft.settings[key] = .string("env:\(secret)")
            return
        }
        let standard = question["default"].map { $0.stringValue ?? $0.text }
        Terminal.say("\n" + Terminal.plain(question["explanation"]?.stringValue ?? ""))
        let hint = standard.map { " [\($0)]" } ?? ""
        let prompt = Terminal.plain("\(question["prompt"]?.stringValue ?? key)\(hint) ")
        guard let line = Self.read(prompt, isSecret: secret != nil) else { throw CommandFailure("nothing was changed") }
        let answer = line.trimmed
        if answer.isEmpty, standard != nil { return }
        if let secret {
            draft.secrets[secret] = answer
            draft.settings[key] = .string("env:\(secret)")
        } else {
            draft.settings[key] = .string(answer)
        }
    }

    /// A second source of a kind has secrets of its own.
    private func secretName(_ name: String) -> String {
        guard source != kind else { return name }
        return name + "_" + source.uppercased().map { $0 == "-" ? "_" : String($0) }.joined()
    }

    /// A line of a person's; the terminal does not show a secret.
    private static func read(_ prompt: String, isSecret: Bool) -> String? {
        var shown = termios()
        guard isSecret, tcgetattr(0, &shown) == 0 else {
            Terminal.write(prompt, to: 1)
            return readLine()
        }
        var unseen = shown
        unseen.c_lflag &= ~tcflag_t(ECHO)
        // Before the prompt, so that what is typed at once is not shown either.
        tcsetattr(0, TCSADRAIN, &unseen)
        defer {
            tcsetattr(0, TCSADRAIN, &shown)
            Terminal.say("")
        }
        Terminal.write(prompt, to: 1)
        return readLine()
    }

    // MARK: Checking

    /// The secrets are given in the environment: they are stored only when they are good.
    private func check(_ program: String, _ draft: Draft) throws -> (problems: [String], notes: [String]) {
        let answer = try Self.answer(
            program, ["check", "--json", "--settings", JSONValue.object(draft.settings).text],
            environment: draft.secrets,
            seconds: 60)
        let problems = (answer["problems"]?.arrayValue ?? []).map { problem in
            [problem["path"], problem["message"], problem["mend"]].compactMap { $0?.stringValue }
                .filter { !$0.isEmpty }.joined(separator: ": ")
        }
        return (problems, (answer["notes"]?.arrayValue ?? []).compactMap(\.stringValue))
    }

    private static func answer(
        _ program: String, _ arguments: [String], environment: [String: String] = [:], seconds: Int = 20
    ) throws -> JSONValue {
        let run = try ProgramRun.run(program, arguments, environment: environment, seconds: seconds)
        do {
            return try JSONValue(parsing: run.output)
        } catch {
            throw CommandFailure("\(program) \(arguments[0]) ended with \(run.status), and its answer is not JSON")
        }
    }

    // MARK: Writing

    private func write(_ draft: Draft, _ plans: [AdapterPlan], _ router: String) throws {
        var members = draft.settings
        if source != kind { members["kind"] = .string(kind) }
        let before = try SmallFile.read(places.configurationFile, limit: 4 << 20) ?? []
        var text = SettingsText(String(decoding: before, as: UTF8.self))
        // What runs without being named goes on once something is named.
        if !text.has("adapters") {
            for plan in plans { try text.add(plan.name, plan.settings.objectValue ?? [:], to: "adapters") }
        }
        try text.add(source, members, to: "adapters")
        if !draft.access.isEmpty { try text.add(source, draft.access, to: "access") }
        for (name, value) in draft.secrets.sorted(by: { $0.key < $1.key }) {
            try SecretStore.put(name, value, places: places)
        }
        try PrivateFile.replace(places.configurationFile, Array(text.text.utf8))
        let check = try ProgramRun.run(router, ["config", "check"])
        guard check.status.isSuccess else {
            // As it was: a file that cannot be read would stop everything at the next start.
            try PrivateFile.replace(places.configurationFile, before)
            let reason = String(decoding: check.errors, as: UTF8.self)
            throw CommandFailure(
                "\(places.configurationFile) is left as it was, since this does not fit into it: \(reason)")
        }
        Terminal.say("\n\(source) stands in \(places.configurationFile) now, its secrets in \(places.secretsFile).")
    }

    private func start() throws {
        guard let pid = try FileLock.holder(places.supervisorLock) else {
            return Terminal.say("Start it with: switchboard up")
        }
        guard ReloadRequest.send(to: pid) else { throw CommandFailure("cannot signal process \(pid)") }
        Terminal.say("The running Switchboard starts it; see: switchboard status")
    }
}

extension String {
    fileprivate var trimmed: String {
        var rest = Substring(self)
        while rest.first?.isWhitespace == true { rest.removeFirst() }
        while rest.last?.isWhitespace == true { rest.removeLast() }
        return String(rest)
    }
}
