import Foundation

/// The repository as text: what these tests look at.
enum SourceTree {
    static let root: URL = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent()

    struct File: CustomStringConvertible {
        /// From the root of the repository.
        let path: String
        let lines: [Substring]
        var description: String { path }
    }

    /// All files with this ending below a folder.
    static func files(below folder: String, ending: String = ".swift") throws -> [File] {
        let start = root.appending(path: folder)
        guard let walk = FileManager.default.enumerator(at: start, includingPropertiesForKeys: nil) else { return [] }
        var files: [File] = []
        for case let url as URL in walk where url.lastPathComponent.hasSuffix(ending) {
            guard try url.resourceValues(forKeys: [.isRegularFileKey]).isRegularFile == true,
                !url.path(percentEncoded: false).contains("__pycache__")
            else { continue }
            let text = String(decoding: try Data(contentsOf: url), as: UTF8.self)
            let path = String(url.path(percentEncoded: false).dropFirst(root.path(percentEncoded: false).count))
            files.append(File(path: path, lines: text.split(separator: "\n", omittingEmptySubsequences: false)))
        }
        return files
    }

    static func folders(in folder: String) throws -> [String] {
        try FileManager.default.contentsOfDirectory(atPath: root.appending(path: folder).path(percentEncoded: false))
            .filter { name in
                var isFolder: ObjCBool = false
                let path = root.appending(path: "\(folder)/\(name)").path(percentEncoded: false)
                return FileManager.default.fileExists(atPath: path, isDirectory: &isFolder) && isFolder.boolValue
            }
    }

    /// The modules that a file imports, whatever stands before `import`.
    static func imports(of file: File) -> [String] {
        file.lines.compactMap { line in
            let words = line.split(whereSeparator: { $0 == " " || $0 == "\t" })
            guard let index = words.firstIndex(of: "import"),
                words[..<index].allSatisfy({ $0.hasPrefix("@") || modifiers.contains(String($0)) }),
                index + 1 < words.count
            else { return nil }
            // `import struct Module.Name` names its module after the kind.
            let isOfOneThing = kinds.contains(String(words[index + 1])) && index + 2 < words.count
            let name = words[index + (isOfOneThing ? 2 : 1)]
            return String(name.prefix { $0 != "." && $0 != ";" })
        }
    }

    private static let modifiers: Set<String> = ["public", "package", "internal", "private", "fileprivate"]
    private static let kinds: Set<String> = [
        "struct", "class", "enum", "protocol", "func", "var", "let", "typealias", "actor",
    ]
}
