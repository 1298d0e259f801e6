#if canImport(Darwin)
    import Darwin
#else
    import Glibc
#endif

/// Whether an address can be listened on, and who holds it when not.
package enum PortCheck {
    /// Tries the address for a moment. Nothing is wrong when this adapter itself runs there already.
    /// - Parameters:
    ///   - section: the name under `adapters`, for what a person is told to change.
    ///   - kind: the adapter's own.
    package static func problem(_ address: ListenAddress, section: String, kind: String) -> AdapterProblem? {
        guard let code = bindError(address) else { return nil }
        if code == EADDRINUSE, holder(of: address)?.name == "switchboard-\(kind)" { return nil }
        return problem(address, section: section, errno: code)
    }

    package static func problem(_ address: ListenAddress, section: String, errno code: Int32) -> AdapterProblem {
        let key = "adapters.\(section).listen"
        guard code == EADDRINUSE else {
            let message = "cannot listen on \(address): \(String(cString: strerror(code)))"
            return AdapterProblem(path: "listen", code: "address", message: message, mend: "change \(key)")
        }
        guard let holder = holder(of: address) else {
            return AdapterProblem(
                path: "listen", code: "port-taken", message: "\(address) is taken by another process",
                mend: "find it with `lsof -nP -iTCP:\(address.port) -sTCP:LISTEN` and stop it, or change \(key)")
        }
        return AdapterProblem(
            path: "listen", code: "port-taken", message: "\(address) is held by process \(holder.pid) (\(holder.name))",
            mend: "stop it, or change \(key)")
    }

    private static func bindError(_ address: ListenAddress) -> Int32? {
        let isWide = address.bytes.count == 16
        #if canImport(Darwin)
            let file = socket(isWide ? AF_INET6 : AF_INET, SOCK_STREAM, 0)
        #else
            let file = socket(isWide ? AF_INET6 : AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        #endif
        guard file >= 0 else { return errno }
        defer { close(file) }
        var yes: Int32 = 1
        setsockopt(file, SOL_SOCKET, SO_REUSEADDR, &yes, socklen_t(MemoryLayout<Int32>.size))
        let status = isWide ? bindWide(file, address) : bindNarrow(file, address)
        guard status == 0, listen(file, 1) == 0 else { return errno }
        return nil
    }

    private static func bindNarrow(_ file: Int32, _ address: ListenAddress) -> Int32 {
        var name = sockaddr_in()
        name.sin_family = sa_family_t(AF_INET)
        name.sin_port = address.port.bigEndian
        withUnsafeMutableBytes(of: &name.sin_addr) { $0.copyBytes(from: address.bytes) }
        return withUnsafePointer(to: &name) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(file, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
    }

    private static func bindWide(_ file: Int32, _ address: ListenAddress) -> Int32 {
        var name = sockaddr_in6()
        name.sin6_family = sa_family_t(AF_INET6)
        name.sin6_port = address.port.bigEndian
        withUnsafeMutableBytes(of: &name.sin6_addr) { $0.copyBytes(from: address.bytes) }
        return withUnsafePointer(to: &name) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(file, $0, socklen_t(MemoryLayout<sockaddr_in6>.size))
            }
        }
    }

    package struct Holder: Hashable {
        package var pid: Int32
        /// The program's name only: its arguments may hold secrets.
        package var name: String
    }

    /// The process that listens on an address; `nil` when the system does not say.
    package static func holder(of address: ListenAddress) -> Holder? {
        #if os(Linux)
            let everywhere = ListenAddress(bytes: [UInt8](repeating: 0, count: address.bytes.count), port: address.port)
            let any = ListenAddress(bytes: [UInt8](repeating: 0, count: 16), port: address.port)
            for candidate in [address, everywhere, any] {
                if let row = SocketTable.row(local: candidate, remote: nil, state: SocketTable.listening) {
                    return process(holding: row.inode)
                }
            }
            return nil
        #else
            return nil
        #endif
    }

    #if os(Linux)
        private static func process(holding inode: UInt64) -> Holder? {
            let wanted = "socket:[\(inode)]"
            for pid in names(in: "/proc").compactMap({ Int32($0) }) {
                for file in names(in: "/proc/\(pid)/fd") where link("/proc/\(pid)/fd/\(file)") == wanted {
                    return Holder(pid: pid, name: programName(pid))
                }
            }
            return nil
        }

        private static func programName(_ pid: Int32) -> String {
            if let path = link("/proc/\(pid)/exe"), let name = path.split(separator: "/").last { return String(name) }
            // Another user's program: the system tells its first 15 characters.
            let name = ProcFile.read("/proc/\(pid)/comm", limit: 64) ?? []
            return String(decoding: name.prefix { $0 != 0x0A }, as: UTF8.self)
        }

        private static func names(in folder: String) -> [String] {
            guard let entries = opendir(folder) else { return [] }
            defer { closedir(entries) }
            var names: [String] = []
            while let entry = readdir(entries) {
                let name = withUnsafeBytes(of: entry.pointee.d_name) { bytes in
                    String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
                }
                names.append(name)
            }
            return names
        }

        private static func link(_ path: String) -> String? {
            var buffer = [CChar](repeating: 0, count: 4096)
            let count = readlink(path, &buffer, buffer.count)
            return count > 0 ? String(decoding: buffer[..<count].map { UInt8(bitPattern: $0) }, as: UTF8.self) : nil
        }
    #endif
}
