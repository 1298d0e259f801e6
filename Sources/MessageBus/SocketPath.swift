#if canImport(Darwin)
    import Darwin
#else
    import Glibc
#endif

/// Rules for the file that an `ipc` socket stands in.
enum SocketPath {
    /// Longest path in bytes: what fits into `sockaddr_un` with its closing zero.
    static let limit = MemoryLayout.size(ofValue: sockaddr_un().sun_path) - 1

    /// The address for libzmq.
    static func endpoint(_ path: String) throws(BusError) -> String {
        guard path.hasPrefix("/") else {
            throw BusError(.address, "a socket's path starts with /; use an absolute path")
        }
        guard path.utf8.count <= limit else {
            throw BusError(
                .address,
                "the path of a socket has \(path.utf8.count) bytes, this system allows \(limit); use a shorter directory: \(path)"
            )
        }
        return "ipc://\(path)"
    }

    /// Removes the socket that a dead process left. Nothing but a socket is ever removed.
    ///
    /// The caller holds a lock that says the process is dead: a second bind would silently steal the path of a living one.
    static func removeStale(_ path: String) throws(BusError) {
        var status = stat()
        guard lstat(path, &status) == 0 else {
            guard errno == ENOENT else {
                throw BusError(.address, "cannot look at \(path): \(String(cString: strerror(errno)))")
            }
            return
        }
        guard status.st_mode & S_IFMT == S_IFSOCK else {
            throw BusError(.address, "\(path) is in the way and is not a socket; move it")
        }
        guard unlink(path) == 0 || errno == ENOENT else {
            throw BusError(.address, "cannot remove the stale socket \(path): \(String(cString: strerror(errno)))")
        }
    }

    /// Only this user may connect, whatever the directory allows. Gives the file's identity.
    static func protect(_ path: String) throws(BusError) -> BoundFile {
        var status = stat()
        guard chmod(path, 0o600) == 0, lstat(path, &status) == 0 else {
            throw BusError(.address, "cannot set the mode of \(path): \(String(cString: strerror(errno)))")
        }
        return BoundFile(path: path, number: UInt64(status.st_ino))
    }
}

/// The file of a socket that was bound here. libzmq leaves it behind.
struct BoundFile {
    let path: String
    fileprivate let number: UInt64

    /// Removes the file, unless a successor's stands in its place.
    func remove() {
        var status = stat()
        guard lstat(path, &status) == 0, UInt64(status.st_ino) == number else { return }
        unlink(path)
    }
}
