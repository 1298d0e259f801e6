import BusProtocol
import Foundation
import Testing

/// Reads a file of golden frames:
///
///     # a comment
///
///     peer > router
///     PUBLISH
///     {"epoch":7,"seq":1,…}
///     {"text":"first payload"}
///
/// A line is a frame. Messages are separated by empty lines. `(empty)` is a frame without bytes.
struct GoldenFile {
    struct Message {
        let isFromPeer: Bool
        let parts: [[UInt8]]
    }

    let messages: [Message]

    static func url(_ name: String) throws -> URL {
        try #require(
            Bundle.module.url(forResource: name, withExtension: "txt", subdirectory: "Golden"), "Golden/\(name).txt")
    }

    static var names: Set<String> {
        get throws {
            let directory = try #require(Bundle.module.url(forResource: "Golden", withExtension: nil))
            let files = try FileManager.default.contentsOfDirectory(atPath: directory.path)
            return Set(files.map { $0.replacing(".txt", with: "") })
        }
    }

    init(_ name: String) throws {
        let text = try String(contentsOf: Self.url(name), encoding: .utf8)
        var messages: [Message] = []
        var lines: [String] = []
        for line in (text + "\n").split(separator: "\n", omittingEmptySubsequences: false).map(String.init) {
            if line.hasPrefix("#") { continue }
            guard line.isEmpty else {
                lines.append(line)
                continue
            }
            guard let direction = lines.first else { continue }
            try #require(["peer > router", "router > peer"].contains(direction))
            let parts = lines.dropFirst().map { $0 == "(empty)" ? [] : Array($0.utf8) }
            messages.append(Message(isFromPeer: direction == "peer > router", parts: parts))
            lines = []
        }
        self.messages = messages
    }
}
