#if canImport(Darwin)
    import Darwin
#else
    import Glibc
#endif

/// Finds the programs that belong together: beside the one that runs, else on PATH, as git finds its subcommands.
public enum ProgramFinder {
    /// The absolute path of the running program, links resolved.
    public static func ownPath() throws(HomeError) -> String {
        #if canImport(Darwin)
            var size: UInt32 = 4096
            var buffer = [CChar](repeating: 0, count: Int(size))
            guard _NSGetExecutablePath(&buffer, &size) == 0, let real = realpath(buffer, nil) else {
                throw HomeError(.noProgram, "the system does not say where this program lies")
            }
            defer { free(real) }
            return String(cString: real)
        #else
            guard let real = realpath("/proc/self/exe", nil) else {
                throw .system("read", "/proc/self/exe", mend: "is /proc mounted?", errno: errno)
            }
            defer { free(real) }
            return String(cString: real)
        #endif
    }

    /// - Parameter name: such as `switchboard-router`; a name with a slash is no program name.
    /// - Returns: an absolute path, or `nil`.
    public static func find(_ name: String, path: String? = ProcessEnvironment.value("PATH")) throws(HomeError)
        -> String?
    {
        guard !name.isEmpty, !name.utf8.contains(UInt8(ascii: "/")) else { return nil }
        let own = try ownPath()
        if let slash = own.lastIndex(of: "/") {
            let sibling = own[...slash] + name
            if isExecutable(sibling) { return String(sibling) }
        }
        // Relative entries of PATH are skipped: what runs must not depend on the current folder.
        for folder in (path ?? "").split(separator: ":") where folder.hasPrefix("/") {
            let candidate = folder + "/" + name
            if isExecutable(candidate) { return String(candidate) }
        }
        return nil
    }

    /// The same, as an error that says where was looked.
    public static func require(_ name: String) throws(HomeError) -> String {
        if let path = try find(name) { return path }
        throw HomeError(
            .noProgram, "there is no program \(name) beside \(try ownPath()) or on PATH; build or install it")
    }

    private static func isExecutable(_ path: some StringProtocol) -> Bool {
        let path = String(path)
        var status = stat()
        return stat(path, &status) == 0 && status.st_mode & S_IFMT == S_IFREG && access(path, X_OK) == 0
    }
}
