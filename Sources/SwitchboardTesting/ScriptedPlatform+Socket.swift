import OperatingHome

#if canImport(Darwin)
    import Darwin
#else
    import Glibc
#endif

extension ScriptedPlatform {
    #if canImport(Darwin)
        private static let noSignal: Int32 = 0
        private static let stream = SOCK_STREAM
    #else
        private static let noSignal = Int32(MSG_NOSIGNAL)
        private static let stream = Int32(SOCK_STREAM.rawValue)
    #endif

    /// A listening socket at a path, of the user alone as its folder is.
    static func listen(_ path: String) throws(HomeError) -> Int32 {
        _ = unlink(path)
        let file = socket(AF_UNIX, stream, 0)
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        let isShort = path.utf8.count < MemoryLayout.size(ofValue: address.sun_path)
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path.utf8.prefix($0.count - 1)) }
        let length = socklen_t(MemoryLayout<sockaddr_un>.size)
        let code = withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { bind(file, $0, length) }
        }
        guard isShort, code == 0, systemListen(file) == 0 else {
            closeFile(file)
            throw HomeError(.file, "cannot listen at \(path): \(String(cString: strerror(errno)))", path: path)
        }
        // No program that the test starts inherits it: the socket would outlive its platform.
        _ = fcntl(file, F_SETFD, FD_CLOEXEC)
        return file
    }

    /// Writes it whole. That the adapter is gone, the reading thread learns too.
    static func send(_ bytes: [UInt8], to socket: Int32) {
        var offset = 0
        while offset < bytes.count {
            let count = bytes.withUnsafeBytes {
                systemSend(socket, $0.baseAddress.map { $0 + offset }, bytes.count - offset, noSignal)
            }
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { return }
            offset += count
        }
    }

    static func write(_ bytes: [UInt8], to path: String) throws(HomeError) {
        let file = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o600)
        guard file >= 0 else { throw HomeError(.file, "cannot write \(path)", path: path) }
        defer { closeFile(file) }
        guard systemWrite(file, bytes) == bytes.count else {
            throw HomeError(.file, "cannot write \(path)", path: path)
        }
    }
}

// Members of the type are named like these calls.

func closeFile(_ file: Int32) {
    #if canImport(Darwin)
        Darwin.close(file)
    #else
        Glibc.close(file)
    #endif
}

private func systemListen(_ file: Int32) -> Int32 {
    #if canImport(Darwin)
        Darwin.listen(file, 8)
    #else
        Glibc.listen(file, 8)
    #endif
}

private func systemSend(_ file: Int32, _ bytes: UnsafeRawPointer?, _ count: Int, _ flags: Int32) -> Int {
    #if canImport(Darwin)
        Darwin.send(file, bytes, count, flags)
    #else
        Glibc.send(file, bytes, count, flags)
    #endif
}

private func systemWrite(_ file: Int32, _ bytes: [UInt8]) -> Int {
    #if canImport(Darwin)
        Darwin.write(file, bytes, bytes.count)
    #else
        Glibc.write(file, bytes, bytes.count)
    #endif
}
