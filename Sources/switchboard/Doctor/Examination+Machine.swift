import JSON
import OperatingHome

#if canImport(Darwin)
    import Darwin
#else
    import Glibc
#endif

/// Programs, folders, room on the disk, the configuration and what each adapter says of its own part.
extension Examination {
    mutating func examineMachine() {
        look(at: "home") { examination in
            try examination.places.prepare()
            examination.note(.good, "home", examination.places.state)
        }
        look(at: "disk") { $0.examineDisk() }
        look(at: "secrets") { try $0.examineSecrets() }
        look(at: "programs") { examination in
            let router = try ProgramFinder.require("switchboard-router")
            examination.look(at: "configuration") { try $0.examineConfiguration(router) }
        }
    }

    /// Below this the store may stop any moment, in bytes.
    private static let leastRoom: UInt64 = 64 << 20
    private static let littleRoom: UInt64 = 512 << 20

    private mutating func examineDisk() {
        var figures = statvfs()
        guard statvfs(places.state, &figures) == 0 else { return }
        let free = UInt64(figures.f_bavail) * UInt64(figures.f_frsize)
        let text = "\(TimeText.bytes(Int64(clamping: free))) free"
        switch free {
        case ..<Self.leastRoom:
            note(.broken, "disk", text, mend: "free some: the router stops its intake when the disk is full")
        case ..<Self.littleRoom: note(.notice, "disk", text, mend: "free some before the router has to stop its intake")
        default: note(.good, "disk", text)
        }
    }

    private mutating func examineSecrets() throws {
        var status = stat()
        let file = places.secretsFile
        guard stat(file, &status) == 0 else { return }
        if status.st_mode & 0o077 == 0 {
            note(.good, "secrets", "\(file) is for you alone")
        } else {
            note(.broken, "secrets", "\(file) can be read by others", mend: "chmod 600 \(file)")
        }
    }

    private mutating func examineConfiguration(_ router: String) throws {
        let check = try ProgramRun.run(router, ["config", "check"])
        let said = String(decoding: check.status.isSuccess ? check.output : check.errors, as: UTF8.self)
        let lines = said.split(separator: "\n").map(String.init)
        guard check.status.isSuccess else {
            for line in lines { note(.broken, "configuration", line) }
            return
        }
        note(.good, "configuration", lines.first ?? "good")
        // What the machine's administrator forbids is named before somebody looks for the fault elsewhere.
        for line in lines.dropFirst() { note(.notice, "configuration", line) }
        for adapter in try AdapterCheck.all(places: places, router: router) {
            let subject = "source \(adapter.plan.name)"
            if adapter.problems.isEmpty {
                note(.good, subject, "its settings are good, says \(adapter.plan.programName)")
            }
            for problem in adapter.problems { note(.broken, subject, problem) }
        }
    }
}
