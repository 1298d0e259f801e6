#if os(Linux)
    import Glibc

    /// The system's table of TCP sockets, `/proc/net/tcp` and `tcp6`.
    enum SocketTable {
        struct Row {
            var user: UInt32
            var inode: UInt64
        }

        static let established: UInt8 = 0x01
        static let listening: UInt8 = 0x0A

        /// The socket with these ends in this state. A socket that no process holds any more is in another state: its
        /// user would read as root's.
        static func row(local: ListenAddress, remote: ListenAddress?, state: UInt8) -> Row? {
            // An IPv6 socket that speaks IPv4 stands in the table of its family with mapped addresses.
            for (path, wide) in [("/proc/net/tcp", false), ("/proc/net/tcp6", true)] {
                guard let localKey = key(local, wide: wide), let table = ProcFile.read(path, limit: 16 << 20) else {
                    continue
                }
                var remoteKey: [UInt8]?
                if let remote {
                    guard let found = key(remote, wide: wide) else { continue }
                    remoteKey = found
                }
                if let row = find(localKey, remoteKey, state, in: table) { return row }
            }
            return nil
        }

        /// As the table writes it: words of the address in the machine's own byte order, hexadecimal, colon, port.
        private static func key(_ address: ListenAddress, wide: Bool) -> [UInt8]? {
            var bytes = address.mappedIPv4 ?? address.bytes
            if wide, bytes.count == 4 { bytes = [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF] + bytes }
            guard bytes.count == (wide ? 16 : 4) else { return nil }
            let digits = Array("0123456789ABCDEF".utf8)
            var key: [UInt8] = []
            for word in stride(from: 0, to: bytes.count, by: 4) {
                let value = bytes[word..<word + 4].withUnsafeBytes { $0.loadUnaligned(as: UInt32.self) }
                for shift in stride(from: 28, through: 0, by: -4) {
                    key.append(digits[Int(value >> UInt32(shift)) & 15])
                }
            }
            key.append(UInt8(ascii: ":"))
            for shift in stride(from: 12, through: 0, by: -4) {
                key.append(digits[Int(address.port >> UInt16(shift)) & 15])
            }
            return key
        }

        private static func find(_ local: [UInt8], _ remote: [UInt8]?, _ state: UInt8, in table: [UInt8]) -> Row? {
            for line in table.split(separator: UInt8(ascii: "\n")).dropFirst() {
                let fields = line.split(separator: UInt8(ascii: " "), maxSplits: 10)
                guard fields.count >= 10, fields[1].elementsEqual(local), remote.map(fields[2].elementsEqual) ?? true,
                    UInt8(String(decoding: fields[3], as: UTF8.self), radix: 16) == state,
                    let user = UInt32(String(decoding: fields[7], as: UTF8.self)),
                    let inode = UInt64(String(decoding: fields[9], as: UTF8.self))
                else { continue }
                return Row(user: user, inode: inode)
            }
            return nil
        }
    }

    /// Files of `/proc`, whose size nobody knows before.
    enum ProcFile {
        static func read(_ path: String, limit: Int) -> [UInt8]? {
            let file = open(path, O_RDONLY | O_CLOEXEC)
            guard file >= 0 else { return nil }
            defer { close(file) }
            var bytes: [UInt8] = []
            var chunk = [UInt8](repeating: 0, count: 65_536)
            while bytes.count < limit {
                let count = Glibc.read(file, &chunk, chunk.count)
                if count < 0, errno == EINTR { continue }
                guard count >= 0 else { return nil }
                guard count > 0 else { break }
                bytes += chunk[..<count]
            }
            return bytes
        }
    }
#endif
