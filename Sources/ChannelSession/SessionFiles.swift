public import BusProtocol

/// What a session does with the files of its machine. ``ChannelSession`` itself touches none.
///
/// Methods may be called from any thread and do not wait for more than the opening of a file.
public protocol SessionFiles: Sendable {
    /// Opens the files of a call; each is checked as it is opened, and stays open until ``close(_:)``.
    /// - Throws: ``FileRefusal`` for the first that may not be sent.
    func open(_ paths: [String], for call: String) throws(FileRefusal) -> [OpenedFile]
    /// Gives bytes of one of them, by its ``OpenedFile/token``, from a thread of its own.
    func give(_ fetch: Fetch, _ say: @escaping @Sendable (Chunk) -> Void)
    /// The call has ended.
    func close(_ call: String)
}

/// A file that is open for a call.
public struct OpenedFile: Hashable, Sendable {
    /// What the router asks for it by.
    public var token: String
    public var name: String
    public var mediaType: String?
    /// In bytes.
    public var size: Int64

    public init(token: String, name: String, mediaType: String? = nil, size: Int64) {
        self.token = token
        self.name = name
        self.mediaType = mediaType
        self.size = size
    }
}

/// Why a file is not sent, in a sentence that helps to mend it.
public struct FileRefusal: Error, Hashable, Sendable {
    public let sentence: String
    public init(_ sentence: String) { self.sentence = sentence }
}
