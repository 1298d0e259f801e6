#if canImport(Darwin)
    import Darwin
#else
    import Glibc
#endif

/// Why a place, a lock, a secret or a child process cannot be used. Names the path and what to do, never a secret.
public struct HomeError: Error, Hashable, Sendable, CustomStringConvertible {
    /// A short, bounded code, fit for a counter's label.
    public enum Code: String, Sendable, CaseIterable {
        /// There is no home folder to derive the places from.
        case noHome = "no-home"
        /// The system refused a call on a file or folder.
        case file
        /// A file or folder that must be private can be entered or read by others, or belongs to someone else.
        case exposed
        /// Another process holds the lock; ``HomeError/holder`` is its pid when it could be read.
        case held
        /// A file does not have the form that it must have.
        case malformed
        /// A secret reference that leads nowhere.
        case missingSecret = "missing-secret"
        /// A text that should be a secret reference and is none.
        case notAReference = "not-a-reference"
        /// No such program beside this one or on PATH.
        case noProgram = "no-program"
        /// A file that may not be sent: not regular, too long, changed on the way, or Switchboard's own.
        case refusedFile = "refused-file"
        /// The system could not start a process or a thread.
        case spawn
    }

    public let code: Code
    /// What is wrong and what mends it.
    public let message: String
    public let path: String?
    /// The process that holds a lock.
    public let holder: Int32?

    public init(_ code: Code, _ message: String, path: String? = nil, holder: Int32? = nil) {
        self.code = code
        self.message = message
        self.path = path
        self.holder = holder
    }

    /// An error of the last system call on `path`; read `errno` before anything else can change it.
    static func system(_ action: String, _ path: String, mend: String = "", errno code: Int32) -> HomeError {
        let tail = mend.isEmpty ? "" : "; \(mend)"
        return HomeError(.file, "cannot \(action) \(path): \(String(cString: strerror(code)))\(tail)", path: path)
    }

    public var description: String { message }
}
