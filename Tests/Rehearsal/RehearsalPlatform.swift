import AdapterKit

#if canImport(Darwin)
    import Darwin
#else
    import Glibc
#endif

/// A chat platform that is three files in a folder. What it took is on the disk before it says so, so that a test that
/// kills processes can tell afterwards what really happened.
///
/// `posted`: the number of the newest message, written by the test. `executed`: a line `key<TAB>text` for each message
/// that was sent. `journal`: where each process of the adapter began and what it was told is committed.
struct RehearsalPlatform: Sendable {
    static let conversations: Int64 = 8

    private let posted: Int32
    private let executed: Int32
    private let journal: Int32

    init(folder: String) throws(HomeError) {
        posted = try Self.open("\(folder)/posted", O_RDONLY)
        executed = try Self.open("\(folder)/executed", O_WRONLY | O_APPEND | O_CREAT)
        journal = try Self.open("\(folder)/journal", O_WRONLY | O_APPEND | O_CREAT)
    }

    private static func open(_ path: String, _ flags: Int32) throws(HomeError) -> Int32 {
        #if canImport(Darwin)
            let file = Darwin.open(path, flags | O_CLOEXEC, 0o600)
        #else
            let file = Glibc.open(path, flags | O_CLOEXEC, 0o600)
        #endif
        guard file >= 0 else { throw HomeError(.file, "cannot open \(path): error \(errno)", path: path) }
        return file
    }

    /// The number of the newest message.
    func newest() -> Int64 {
        var text = [UInt8](repeating: 0, count: 20)
        let count = pread(posted, &text, text.count, 0)
        return count > 0 ? Int64(String(decoding: text[..<count], as: UTF8.self).prefix { $0 != "\n" }) ?? 0 : 0
    }

    /// A message by its number: the same whenever it is read.
    func message(_ number: Int64) -> Event {
        let chat = "c\(number % Self.conversations)"
        let head = EventHead(
            id: "\(chat)-\(number)", chat: chat, sender: "ann", flags: .direct, time: 1_800_000_000_000 + number)
        return Event(head: head, body: EventBody(text: "message \(number)"))
    }

    /// Sends a message: the moment from which it is done is the end of `fsync`.
    /// - Returns: its id; `nil` when nothing was sent.
    func send(_ text: String, key: String) -> String? {
        append("\(key)\t\(text)\n", to: executed) && fsync(executed) == 0 ? "s-\(key)" : nil
    }

    func note(_ line: String) -> Bool { append(line + "\n", to: journal) }

    /// One write: appending is atomic, so a killed process leaves whole lines.
    private func append(_ line: String, to file: Int32) -> Bool {
        let bytes = Array(line.utf8)
        return write(file, bytes, bytes.count) == bytes.count
    }
}
