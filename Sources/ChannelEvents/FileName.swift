/// Names of files as a stranger chose them, made fit for a private folder, a command line and a tag.
public enum FileName {
    /// In bytes of UTF-8. File systems allow 255; the rest is room for what is put before or behind it.
    public static let longest = 120
    private static let longestExtension = 16
    private static let nameless = "file"

    /// One path component that means itself alone: no folder, no control or invisible character, nothing that a shell,
    /// a tag or a list reads as more than a name, no leading dot, dash or tilde.
    ///
    /// A safe name is left as it is. The ending is kept when a name is cut, since it says what the file is.
    /// - Returns: at most ``longest`` bytes; `file` when nothing is left that says something.
    public static func safe(_ proposed: String?) -> String {
        let proposed = (proposed ?? "").unicodeScalars
        let folderEnd = proposed.lastIndex { $0 == "/" || $0 == "\\" }.map(proposed.index(after:))
        let last = proposed[(folderEnd ?? proposed.startIndex)...]
        var clean = String.UnicodeScalarView()
        for scalar in last {
            // A name of megabytes is not walked to its end twice; the ending of such a name says nothing.
            guard clean.count < 4096 else { break }
            clean.append(replacement(for: scalar))
        }
        let name = shortened(trimmingEnd(clean.drop(while: isForbiddenAtStart)))
        return name.unicodeScalars.allSatisfy({ $0 == "_" || $0 == " " || $0 == "." }) ? nameless : name
    }

    private static func replacement(for scalar: Unicode.Scalar) -> Unicode.Scalar {
        switch scalar {
        case "<", ">", "[", "]", ";", ":", "\"", "'", "`", "$", "&", "|", "*", "?", "!": return "_"
        default: break
        }
        switch scalar.properties.generalCategory {
        // Format characters among them: they turn the direction of text, so that `exe.gpj` reads as a picture.
        case .control, .format, .lineSeparator, .paragraphSeparator, .surrogate, .unassigned, .privateUse: return "_"
        case .spaceSeparator: return " "
        default: return scalar
        }
    }

    private static func isForbiddenAtStart(_ scalar: Unicode.Scalar) -> Bool {
        scalar == "." || scalar == "-" || scalar == "~" || scalar == " "
    }

    private static func trimmingEnd(_ scalars: some BidirectionalCollection<Unicode.Scalar>) -> String {
        var kept = String.UnicodeScalarView()
        kept.append(contentsOf: scalars)
        while let last = kept.last, last == "." || last == " " { kept.removeLast() }
        return String(kept)
    }

    private static func shortened(_ name: String) -> String {
        guard name.utf8.count > longest else { return name }
        let scalars = name.unicodeScalars
        var stem = scalars[...]
        var ending = ""
        if let dot = scalars.lastIndex(of: ".") {
            let tail = String(scalars[dot...])
            if (2...longestExtension + 1).contains(tail.utf8.count) {
                stem = scalars[..<dot]
                ending = tail
            }
        }
        var room = longest - ending.utf8.count
        let kept = stem.prefix { scalar in
            room -= UTF8.width(scalar)
            return room >= 0
        }
        return trimmingEnd(kept) + ending
    }
}
