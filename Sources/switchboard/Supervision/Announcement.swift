import JSON
import OperatingHome

/// What `switchboard up` says when everything runs: what runs where, and what to do next.
struct Announcement {
    let places: Places
    let plans: [AdapterPlan]
    let standings: [SourceStanding]
    let routerProcess: Int32?
    let isDetached: Bool

    func text() throws -> String {
        var table = Table(["", "STATE", "PID", "WHERE"], shrinking: 3)
        table.add(["router", "up", routerProcess.map { String($0) } ?? "-", places.routerSocket])
        var advice: [String] = []
        var reasons: [String] = []
        for standing in standings {
            let plan = plans.first { $0.name == standing.name }
            let description = plan.flatMap(AdapterGuide.init)
            table.add([
                standing.name, standing.state, standing.pid.map { String($0) } ?? "-", description?.address ?? "-",
            ])
            if standing.state != "up", let reason = standing.reason {
                reasons.append("  \(standing.name): \(Terminal.plain(reason))")
            }
            if standing.state == "up" { advice += description?.advice(places) ?? [] }
        }
        var parts = [
            "Switchboard \(SwitchboardVersion.current) runs for \(places.state)",
            ([table.text] + reasons).joined(separator: "\n"),
        ]
        if !advice.isEmpty { parts.append("Try it:\n" + advice.map { "  \($0)" }.joined(separator: "\n")) }
        let own = try ProgramFinder.ownPath()
        let snippet: JSONValue = ["mcpServers": ["switchboard": ["command": .string(own), "args": ["mcp"]]]]
        parts.append(
            """
            Bring Claude Code in: put this into .mcp.json of a project
              \(snippet.text)
            and run there
              claude --dangerously-load-development-channels server:switchboard
            """)
        parts.append(
            isDetached
                ? "Logs: switchboard logs -f    Status: switchboard status    Stop: switchboard up --stop"
                : "Logs: \(places.logs)    Status: switchboard status    Stop: Ctrl-C")
        return parts.joined(separator: "\n\n")
    }
}
