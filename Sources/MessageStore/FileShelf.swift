import Crypto
public import OperatingHome

#if canImport(Darwin)
    import Darwin
#else
    import Glibc
#endif

/// A file that the router keeps, named by what is in it.
public struct StoredFile: Hashable, Sendable {
    /// SHA-256 of the bytes, in hexadecimal.
    public var hash: String
    /// In bytes.
    public var size: Int64
    /// What its name ends with, such as `.png`, or nothing: programs go by it.
    public var ending: String

    public init(hash: String, size: Int64, ending: String) {
        self.hash = hash
        self.size = size
        self.ending = ending
    }

    /// Its name in the folder of files.
    public var name: String { hash + ending }
}

/// The folder of received files: private, by content, so that the same file lies there once.
public struct FileShelf: Sendable {
    public let folder: String
    private var drafts: String { folder + "/.drafts" }

    /// Makes the folder when it is missing, and throws away what a killed router left half written.
    public init(_ folder: String) throws(HomeError) {
        self.folder = folder
        try PrivateFolder.make(folder)
        try PrivateFolder.make(folder + "/.drafts")
        for name in try FolderListing.names(folder + "/.drafts") { unlink("\(folder)/.drafts/\(name)") }
    }

    public func path(of file: StoredFile) -> String { "\(folder)/\(file.name)" }

    /// A new file that is being written; it hashes what it is given.
    public func draft(_ number: UInt64) throws(HomeError) -> Draft { try Draft(shelf: self, "\(drafts)/\(number)") }

    public func remove(_ file: StoredFile) { unlink(path(of: file)) }

    /// The names of all files.
    public func names() throws(HomeError) -> [String] {
        try FolderListing.names(folder).filter { !$0.hasPrefix(".") }
    }

    public func remove(named name: String) { unlink("\(folder)/\(name)") }

    public struct Draft: ~Copyable {
        private let shelf: FileShelf
        private var draft: PrivateDraft
        private var hasher = SHA256()

        init(shelf: FileShelf, _ path: String) throws(HomeError) {
            self.shelf = shelf
            draft = try PrivateDraft(path)
        }

        public mutating func append(_ bytes: [UInt8]) throws(HomeError) {
            try draft.append(bytes)
            hasher.update(data: bytes)
        }

        /// What was written so far is of another version of the file, and goes.
        public mutating func restart() throws(HomeError) {
            try draft.restart()
            hasher = SHA256()
        }

        /// The file is whole; takes the place of one with the same content.
        /// - Parameter ending: gives the ``StoredFile/ending`` for a hash: what is known keeps the name it has.
        public consuming func finish(ending: (_ hash: String) -> String) throws(HomeError) -> StoredFile {
            let digits = Array("0123456789abcdef".utf8)
            var hash: [UInt8] = []
            for byte in hasher.finalize() {
                hash += [digits[Int(byte >> 4)], digits[Int(byte & 15)]]
            }
            let name = String(decoding: hash, as: UTF8.self)
            let file = StoredFile(hash: name, size: draft.size, ending: ending(name))
            let path = shelf.path(of: file)
            try draft.keep(as: path)
            return file
        }
    }
}

/// An open file of the shelf.
public final class ShelvedBytes {
    private let bytes: StoredBytes

    /// - Returns: `nil` when the file is not there any more.
    public init?(_ file: StoredFile, on shelf: FileShelf) throws(HomeError) {
        guard let bytes = try StoredBytes.open(shelf.path(of: file)) else { return nil }
        self.bytes = bytes
    }

    public func read(from offset: Int64, count: Int) throws(HomeError) -> [UInt8] {
        try bytes.bytes(from: offset, count: count)
    }
}
