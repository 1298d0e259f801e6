#if canImport(Darwin)
    import Darwin
#else
    import Glibc
#endif

extension ProgramFinder {
    /// Becomes another program, with this process's environment, files and pid.
    /// - Throws: ``HomeError`` when the system refuses; it does not return otherwise.
    public static func execute(_ program: String, _ arguments: [String]) throws(HomeError) -> Never {
        let list = CStrings([program] + arguments)
        execv(program, list.pointers)
        let code = errno
        throw HomeError(.spawn, "cannot start \(program): \(String(cString: strerror(code)))", path: program)
    }
}
