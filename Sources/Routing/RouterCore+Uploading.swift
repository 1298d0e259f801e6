import BusProtocol
import ChannelEvents
import JSON
import MessageBus
import MessageStore

/// A call whose files are on their way from the endpoint.
struct Upload {
    struct Item {
        /// The endpoint's word for the file.
        var token: String
        /// What people see; made fit for every system.
        var name: String
        var mediaType: String?
        var size: Int64
        var stored: StoredFile?
    }

    var call: Call
    var link: LinkID
    var items: [Item]
    /// Its one file is the reply itself, as a document.
    var isDocument = false

    var isComplete: Bool { items.allSatisfy { $0.stored != nil } }
}

/// Files that a session sends: they are here, whole and hashed, before their reply goes into the outbox.
extension RouterCore {
    /// Files of one reply.
    static let filesOfAReply = 10
    /// Calls whose files come at once; past it a call is told to come back.
    private static let uploadLimit = 64

    /// Whether a call has files that are not all here. They are ordered; the call is handled anew when they are, or
    /// answered when they cannot be had.
    mutating func awaitsUploads(of call: Call, from link: LinkID, _ now: Moment) -> Bool {
        guard let wanted = call.arguments["files"]?.arrayValue, !wanted.isEmpty else { return false }
        if let upload = files.uploads[call.id] {
            if upload.isComplete { return false }
            // The same call over a new link.
            files.uploads[call.id]?.link = link
            for position in upload.items.indices where upload.items[position].stored == nil {
                effects.files.append(.redirect(Self.uploadName(call.id, position), to: link))
            }
            return true
        }
        let items: [Upload.Item] = wanted.compactMap { item in
            guard let token = item["file"]?.stringValue, let size = item["size"]?.integerValue else { return nil }
            return Upload.Item(
                token: token, name: FileName.safe(item["name"]?.stringValue), mediaType: item["type"]?.stringValue,
                size: size)
        }
        if files.uploads.count >= Self.uploadLimit {
            // Those of sessions that are gone; one that comes back asks again.
            for (id, upload) in files.uploads where links.accepted(from: upload.link) == nil { forgetUpload(id) }
        }
        if let problem = problem(with: items, of: wanted.count) {
            fail(call.id, problem.code, problem.message, link)
            return true
        }
        files.uploads[call.id] = Upload(call: call, link: link, items: items)
        for (position, item) in items.enumerated() {
            let id = Self.uploadName(call.id, position)
            files.pulls[id] = FileBook.Pull(subject: .upload(call: call.id, position: position))
            let attachment = Attachment(id: "", name: item.name, mediaType: item.mediaType)
            effects.files.append(
                .pull(
                    FileOrder(
                        fetch: Fetch(id: id, file: item.token, limit: settings.files.largest), link: link,
                        ending: attachment.ending)))
        }
        return true
    }

    /// Parts past which a reply is better read as a file.
    static let documentParts = 3

    /// Whether a long reply goes out as a document, which has to be on the shelf first; the call is handled anew then.
    mutating func awaitsDocument(of call: Call, _ text: String, parts: Int, to source: SourceID, from link: LinkID)
        -> Bool
    {
        guard parts > Self.documentParts, files.uploads[call.id] == nil, files.uploads.count < Self.uploadLimit,
            abilities(of: source)?.features.contains("files") ?? false
        else { return false }
        let id = Self.uploadName(call.id, 0)
        let bytes = Array(text.utf8)
        files.uploads[call.id] = Upload(
            call: call, link: link,
            items: [Upload.Item(token: "", name: "answer.md", mediaType: "text/markdown", size: Int64(bytes.count))],
            isDocument: true)
        files.pulls[id] = FileBook.Pull(subject: .upload(call: call.id, position: 0))
        effects.files.append(.keep(id, bytes, ending: ".md"))
        return true
    }

    private func problem(with items: [Upload.Item], of wanted: Int) -> ProtocolError? {
        if items.count != wanted { return ProtocolError(.malformed, "each of files needs file and size") }
        if items.count > Self.filesOfAReply {
            return ProtocolError(.oversize, "A reply takes \(Self.filesOfAReply) files: send the rest with another.")
        }
        if let large = items.first(where: { $0.size > settings.files.largest }) {
            return ProtocolError(
                .oversize,
                "\(large.name) has \(large.size) bytes, the limit is \(settings.files.largest) (files.largest).")
        }
        if files.uploads.count >= Self.uploadLimit {
            return ProtocolError(.flood, "Too many files are on their way: send this again in a moment.")
        }
        return nil
    }

    /// A call's id may be longer than a transfer's.
    private static func uploadName(_ call: String, _ position: Int) -> String {
        "u\(position).\(call.utf8.count <= 200 ? call : String(call.suffix(100)) + String(call.prefix(40)))"
    }

    mutating func uploaded(_ outcome: Result<StoredFile, FetchFailure>, _ position: Int, of call: String) {
        guard let upload = files.uploads[call] else { return }
        switch outcome {
        case .success(let file):
            files.uploads[call]?.items[position].stored = file
            if files.uploads[call]?.isComplete == true { files.resumed.append((upload.link, upload.call)) }
        case .failure(let failure):
            forgetUpload(call)
            fail(
                call, .unavailable,
                "Nothing was sent: \(upload.items[position].name) could not be read: \(failure.message)", upload.link)
        }
    }

    /// The call has ended, or its session is gone.
    mutating func forgetUpload(_ call: String) {
        guard let upload = files.uploads.removeValue(forKey: call) else { return }
        for position in upload.items.indices
        where files.pulls.removeValue(forKey: Self.uploadName(call, position)) != nil {
            effects.files.append(.abandon(Self.uploadName(call, position)))
        }
    }

    /// Calls that can go on now that their files are here.
    mutating func takeResumedCalls() -> [(LinkID, Call)] {
        defer { files.resumed = [] }
        return files.resumed
    }

    /// What COMMAND says of a call's files.
    func fileArguments(of call: String) -> JSONValue? {
        guard let upload = files.uploads[call], upload.isComplete else { return nil }
        return .array(
            upload.items.map { item in
                var file: JSONObject = [
                    "id": .string(item.stored?.hash ?? ""), "name": .string(item.name),
                    "size": .integer(item.stored?.size ?? 0),
                ]
                if let type = item.mediaType { file["type"] = .string(type) }
                return .object(file)
            })
    }

    enum Attaching {
        case none
        /// They are on their way here; the call is handled anew when they are.
        case later
        /// The platform takes none.
        case withoutThem(remark: String)
    }

    /// What becomes of the files of a reply.
    mutating func attaching(_ call: Call, to source: SourceID, from link: LinkID, _ now: Moment) -> Attaching {
        guard let wanted = call.arguments["files"]?.arrayValue, !wanted.isEmpty, let name = sourceNames[source] else {
            return .none
        }
        if let abilities = abilities(of: source), !abilities.features.contains("files") {
            guard call.arguments["text"]?.stringValue?.isEmpty == false else {
                fail(call.id, .notAllowed, "\(name) takes no files: put the content into the text", link)
                return .later
            }
            return .withoutThem(remark: "\(name) takes no files: only the text was sent")
        }
        return awaitsUploads(of: call, from: link, now) ? .later : .none
    }

    /// The outbox keeps what its part sends.
    mutating func keepFiles(_ files: JSONValue?, of call: String, for part: Int64) {
        for file in files?.arrayValue ?? [] {
            if let hash = file["id"]?.stringValue { effects.changes.append(.files(.part(part, hash: hash))) }
        }
        forgetUpload(call)
    }
}
