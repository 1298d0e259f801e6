public import OperatingHome

/// The programs of this package as the running test's build made them.
public enum BuiltProgram {
    /// - Throws: ``OperatingHome/HomeError`` with `noProgram` when it was not built.
    public static func path(_ name: String) throws(HomeError) -> String {
        if let path = try ProgramFinder.find(name, path: nil) { return path }
        // Where tests are a bundle that another program loads, the bundle lies beside what was built.
        for argument in CommandLine.arguments {
            guard let bundle = argument.split(separator: "/").firstIndex(where: { $0.hasSuffix(".xctest") }) else {
                continue
            }
            let folder = argument.split(separator: "/")[..<bundle].joined(separator: "/")
            if let path = try ProgramFinder.find(name, path: "/" + folder) { return path }
        }
        throw HomeError(.noProgram, "\(name) was not built beside the tests; run `swift build` first")
    }
}
