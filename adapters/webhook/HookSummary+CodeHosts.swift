import AdapterKit

extension HookSummary {
    // MARK: GitHub

    static func github(_ json: JSONValue, _ event: String?) -> HookSummary {
        let place = json.word("repository", "full_name") ?? json.word("organization", "login") ?? "github"
        let action = json.word("action")
        let who = json.word("sender", "login") ?? "someone"
        if json["zen"] != nil, json["hook_id"] != nil { return HookSummary("github ping for \(place)", isQuiet: true) }
        if let run = json["workflow_run"], run.objectValue != nil { return githubRun(json, run, place, action) }
        if let suite = json["check_suite"], suite.objectValue != nil { return githubSuite(json, suite, place, action) }
        if let pull = json["pull_request"], pull.objectValue != nil, json["review"] == nil, json["comment"] == nil {
            let number = json.word("number") ?? pull.word("number") ?? "?"
            let verb = action == "closed" && pull["merged"]?.boolValue == true ? "merged" : action ?? "changed"
            let quiet = ["synchronize", "labeled", "unlabeled", "edited", "assigned", "unassigned"]
            let draft = pull["draft"]?.boolValue == true ? " (draft)" : ""
            return HookSummary(
                "\(place): \(who) \(verb) PR #\(number)\(draft): \(short(pull.word("title")))",
                link: pull.word("html_url"), facts: branches(pull.word("head", "ref"), pull.word("base", "ref")),
                isQuiet: quiet.contains(verb), fingerprint: "\(place)#\(number)")
        }
        if let comment = json["comment"], let issue = json["issue"] {
            let number = issue.word("number") ?? "?"
            let kind = issue["pull_request"] == nil ? "issue" : "PR"
            let author = comment.word("user", "login") ?? who
            return HookSummary(
                "\(place): \(author) commented on \(kind) #\(number): \(short(comment.word("body")))",
                link: comment.word("html_url"), facts: [short(issue.word("title"))],
                isQuiet: action != nil && action != "created", fingerprint: "\(place)#\(number)")
        }
        if let issue = json["issue"] {
            let number = issue.word("number") ?? "?"
            let quiet = ["labeled", "unlabeled", "edited", "assigned", "unassigned", "milestoned", "demilestoned"]
            return HookSummary(
                "\(place): \(who) \(action ?? "changed") issue #\(number): \(short(issue.word("title")))",
                link: issue.word("html_url"), isQuiet: action.map(quiet.contains) ?? false,
                fingerprint: "\(place)#\(number)")
        }
        if let ref = json.word("ref"), json["commits"]?.arrayValue != nil { return githubPush(json, ref, place, who) }
        return HookSummary(
            "\(place): " + fallback("github", event, action) + " by \(who)",
            link: json.word("repository", "html_url"))
    }

    private static func githubPush(_ json: JSONValue, _ ref: String, _ place: String, _ who: String) -> HookSummary {
        let author = json.word("pusher", "name") ?? who
        let count = json["commits"]?.arrayValue?.count ?? 0
        let name = branch(ref)
        let line: String
        if json["deleted"]?.boolValue == true {
            line = "\(place): \(author) deleted \(name)"
        } else {
            let forced = json["forced"]?.boolValue == true ? "force-" : ""
            let head = short(json.word("head_commit", "message"))
            let commits = count == 1 ? "1 commit" : "\(count) commits"
            line = "\(place): \(author) \(forced)pushed \(commits) to \(name)" + (head.isEmpty ? "" : ": \(head)")
        }
        return HookSummary(line, link: json.word("compare"))
    }

    private static func githubRun(_ json: JSONValue, _ run: JSONValue, _ place: String, _ action: String?)
        -> HookSummary
    {
        let name = run.word("name") ?? json.word("workflow", "name") ?? "workflow"
        let outcome = run.word("conclusion") ?? run.word("status") ?? action ?? "changed"
        let number = run.word("run_number").map { " #\($0)" } ?? ""
        let attempt = (run["run_attempt"]?.integerValue ?? 1) > 1 ? " attempt \(run.word("run_attempt") ?? "")" : ""
        return HookSummary(
            "\(place): \(name)\(number)\(attempt) \(outcome) on \(run.word("head_branch") ?? "?")",
            link: run.word("html_url"),
            facts: [short(run.word("display_title")), run.word("head_sha").map { "commit \($0.prefix(12))" } ?? ""]
                .filter { !$0.isEmpty },
            isQuiet: action != "completed", fingerprint: "\(place)/\(name)/\(run.word("head_branch") ?? "")",
            state: standing(outcome))
    }

    private static func githubSuite(_ json: JSONValue, _ suite: JSONValue, _ place: String, _ action: String?)
        -> HookSummary
    {
        let sha = suite.word("head_sha")
        let outcome = suite.word("conclusion") ?? suite.word("status") ?? "changed"
        let base = json.word("repository", "html_url")
        return HookSummary(
            "\(place): checks of \(suite.word("app", "name") ?? "an app") \(outcome) on "
                + (suite.word("head_branch") ?? "?"),
            link: base.flatMap { base in sha.map { "\(base)/commit/\($0)" } }, isQuiet: action != "completed")
    }

    // MARK: GitLab

    static func gitlab(_ json: JSONValue, _ event: String?) -> HookSummary {
        let place = json.word("project", "path_with_namespace") ?? "gitlab"
        let facts = json["object_attributes"] ?? .null
        let who = json.word("user", "name") ?? json.word("user_name") ?? "someone"
        let kind = json.word("object_kind")
        switch kind {
        case "pipeline":
            let id = facts.word("id") ?? "?"
            let status = facts.word("status") ?? "changed"
            let failed = (json["builds"]?.arrayValue ?? []).filter { $0.word("status") == "failed" }
            return HookSummary(
                "\(place): pipeline \(id) \(status) on \(facts.word("ref") ?? "?")",
                link: json.word("project", "web_url").map { "\($0)/-/pipelines/\(id)" },
                facts: failed.prefix(5).map { "failed: \($0.word("stage") ?? "?")/\($0.word("name") ?? "?")" }
                    + [short(json.word("commit", "message"))].filter { !$0.isEmpty },
                isQuiet: !["success", "failed", "canceled"].contains(status), identity: nil,
                fingerprint: "\(place)/pipeline/\(facts.word("ref") ?? "")",
                state: standing(status))
        case "push", "tag_push":
            let count = json["total_commits_count"]?.integerValue ?? 0
            return HookSummary(
                "\(place): \(who) pushed \(count == 1 ? "1 commit" : "\(count) commits") to "
                    + branch(json.word("ref") ?? "?"), link: json.word("project", "web_url"))
        case "note", "issue", "merge_request":
            let name = kind == "merge_request" ? "merge request" : kind ?? ""
            let number = facts.word("iid").map { " \(kind == "merge_request" ? "!" : "#")\($0)" } ?? ""
            let action = facts.word("action") ?? (kind == "note" ? "wrote" : "changed")
            return HookSummary(
                "\(place): \(who) \(action) \(name)\(number): \(short(facts.word("note") ?? facts.word("title")))",
                link: facts.word("url"), isQuiet: action == "update")
        default: return HookSummary("\(place): " + fallback("gitlab", kind ?? event, facts.word("action")))
        }
    }

    // MARK: Both

    private static func short(_ text: String?) -> String { HookText.firstLine(text ?? "") }

    /// A run that fails again on one branch is the same alarm; one that passes ends it.
    private static func standing(_ outcome: String) -> AlertState? {
        switch outcome {
        case "failure", "failed", "timed_out", "startup_failure": .firing
        case "success": .resolved
        default: nil
        }
    }

    private static func branch(_ ref: String) -> String {
        for prefix in ["refs/heads/", "refs/tags/"] where ref.hasPrefix(prefix) {
            return String(ref.dropFirst(prefix.count))
        }
        return ref
    }

    private static func branches(_ head: String?, _ base: String?) -> [String] {
        guard let head, let base else { return [] }
        return ["\(head) into \(base)"]
    }
}
