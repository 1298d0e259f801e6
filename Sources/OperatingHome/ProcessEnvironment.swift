#if canImport(Darwin)
    import Darwin
#else
    import Glibc
#endif

/// This process's environment, without Foundation.
public enum ProcessEnvironment {
    public static func value(_ name: String) -> String? {
        getenv(name).map { String(cString: $0) }
    }

    /// All variables; a name that stands twice counts once, as `getenv` reads it.
    public static func all() -> [String: String] {
        var variables: [String: String] = [:]
        #if canImport(Darwin)
            var next: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>? = _NSGetEnviron().pointee
        #else
            var next: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>? = environ
        #endif
        while let entry = next?.pointee {
            let text = String(cString: entry)
            if let equals = text.firstIndex(of: "=") {
                let name = String(text[..<equals])
                if variables[name] == nil { variables[name] = String(text[text.index(after: equals)...]) }
            }
            next = next?.advanced(by: 1)
        }
        return variables
    }
}
