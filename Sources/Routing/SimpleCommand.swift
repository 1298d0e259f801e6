/// A shell command of which it is certain, without being a shell, that it runs one program with plain words.
///
/// The set of characters is what is allowed, not what is forbidden: no operator, expansion, quotation, redirection,
/// comment, history, glob, brace, tilde, assignment or line break can be written with it, in any shell, and nothing that
/// only looks like one of its characters is in it.
enum SimpleCommand {
    /// In bytes.
    static let limit = 1_000

    static func isSimple(_ text: String) -> Bool {
        guard (1...limit).contains(text.utf8.count), text.utf8.allSatisfy(isPlain) else { return false }
        let words = text.split(separator: " ", omittingEmptySubsequences: false)
        // A leading or a doubled blank is nothing that a person grants.
        guard words.allSatisfy({ !$0.isEmpty }), let program = words.first else { return false }
        // `A=b program` sets a variable, `%1` takes up a job; a word `=program` is expanded by zsh.
        return program.utf8.allSatisfy { $0 != UInt8(ascii: "=") && $0 != UInt8(ascii: "%") }
            && words.allSatisfy { $0.first != "=" }
    }

    private static func isPlain(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"):
            return true
        case UInt8(ascii: " "), UInt8(ascii: "_"), UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "/"),
            UInt8(ascii: ":"), UInt8(ascii: ","), UInt8(ascii: "@"), UInt8(ascii: "+"), UInt8(ascii: "%"),
            UInt8(ascii: "="):
            return true
        default: return false
        }
    }

    /// Programs that run what their arguments say: a pattern with an open end would allow everything.
    static let launchers: Set<String> = [
        ".", "awk", "bash", "builtin", "bun", "command", "dash", "deno", "doas", "docker", "env", "eval", "exec",
        "find",
        "fish", "ksh", "lua", "make", "nice", "node", "nohup", "npx", "osascript", "parallel", "perl", "php", "podman",
        "python", "python3", "rsync", "ruby", "sed", "setsid", "sh", "source", "ssh", "strace", "su", "sudo", "tar",
        "time", "timeout", "tclsh", "unshare", "uvx", "vi", "vim", "watch", "xargs", "zsh",
    ]
}
