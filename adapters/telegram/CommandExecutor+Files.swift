import AdapterKit

/// Messages with files.
extension CommandExecutor {
    static let uploadLimit: Int64 = 50 << 20

    func sendFiles(_ command: PlatformCommand) async -> SendOutcome {
        let files = command.files
        var loaded: [LoadedFile] = []
        for file in files {
            guard file.size > 0 else {
                return .rejected(reason: "\(file.name) is empty, and Telegram takes no empty files")
            }
            guard file.size <= Self.uploadLimit else {
                return .rejected(
                    reason: "\(file.name) is longer than the \(Self.uploadLimit >> 20) MB that a bot may send")
            }
            do throws(FetchFailure) {
                loaded.append(try await load(file))
            } catch {
                switch error.code {
                case .unavailable: return .retry(after: 5000, reason: error.message)
                default: return .rejected(reason: "\(file.name): \(error.message)")
                }
            }
        }
        let text = FormattedText(command.arguments)
        let hasText = text.text.contains { !$0.isWhitespace }
        let hasButtons = Self.keyboard(command.arguments["buttons"]) != nil
        let plan = FilePlan(files, text: text.text, hasButtons: hasButtons && hasText)
        var ids: [String] = []
        if hasText, !plan.isCaptioned {
            let outcome = await sendText(command)
            guard case .sent(let sent) = outcome else { return outcome }
            ids = sent
        }
        for (index, message) in plan.messages.enumerated() {
            let caption = index == 0 && hasText && plan.isCaptioned ? text : nil
            let outcome = await send(message, loaded, caption, isFirst: ids.isEmpty, command)
            guard case .sent(let sent) = outcome else {
                return ids.isEmpty ? outcome : .unknown(reason: "only \(ids.count) messages of it are known to be sent")
            }
            ids += sent
        }
        endTyping(command)
        return .sent(ids: ids)
    }

    private func send(
        _ message: FilePlan.Message, _ loaded: [LoadedFile], _ caption: FormattedText?, isFirst: Bool,
        _ command: PlatformCommand
    ) async -> SendOutcome {
        let files = message.files.map { loaded[$0] }
        let outcome = await send(files, as: message.kind, caption, isFirst: isFirst, command)
        // A picture that the server cannot read or finds too long and thin is a file all the same.
        if message.kind == .photo, case .rejected(let reason) = outcome,
            ["PHOTO", "IMAGE"].contains(where: { reason.uppercased().contains($0) })
        {
            return await send(files, as: .document, caption, isFirst: isFirst, command)
        }
        return outcome
    }

    private func send(
        _ files: [LoadedFile], as kind: FilePlan.Kind, _ caption: FormattedText?, isFirst: Bool,
        _ command: PlatformCommand
    ) async -> SendOutcome {
        var words: JSONObject = [:]
        if let caption {
            let rendered = EntityRenderer(caption, limit: FilePlan.captionLimit)
            words["caption"] = .string(rendered.text)
            if !rendered.entities.isEmpty { words["caption_entities"] = .array(rendered.entities) }
        }
        var parameters: JSONObject = [:]
        if isFirst, let answered = answered(command) { parameters["reply_parameters"] = answered }
        if command.arguments["silent"]?.boolValue == true { parameters["disable_notification"] = true }
        var parts: [FilePart] = []
        guard files.count > 1 else {
            for member in words { parameters[member.key] = member.value }
            parts = files.map { FilePart(field: kind.rawValue, file: $0) }
            return await call(command, kind.method, parameters, files: parts, ids: Self.messageIDs)
        }
        var media: [JSONValue] = []
        for (index, file) in files.enumerated() {
            var item: JSONObject = ["type": .string(kind.rawValue), "media": .string("attach://file\(index)")]
            // The caption of an album's first file is the album's; of documents it is shown below the last.
            if index == (kind == .document ? files.count - 1 : 0) {
                for member in words { item[member.key] = member.value }
            }
            media.append(.object(item))
            parts.append(FilePart(field: "file\(index)", file: file))
        }
        parameters["media"] = .array(media)
        return await call(command, "sendMediaGroup", parameters, files: parts, ids: Self.messageIDs)
    }
}

/// A file in the field of a form.
struct FilePart: Sendable {
    var field: String
    var file: LoadedFile
}
