import BusProtocol
import ChannelEvents
import JSON

/// Files that go out with a call: opened here, read by the router piece by piece.
extension SessionCore {
    /// The files that a call names; they are opened before it is asked.
    static func paths(of arguments: JSONObject) -> [String] {
        (arguments["files"]?.arrayValue ?? []).compactMap(\.stringValue)
    }

    /// The files of a call are open: it is asked, naming them by what they are and not by where they lie.
    mutating func opened(_ files: [OpenedFile], for call: Call) {
        guard calls.open[call.id] != nil else { return emit(.closeFiles(call.id)) }
        var call = call
        guard case .object(var arguments) = call.arguments else { return }
        arguments["files"] = .array(
            files.map { file in
                var item: JSONObject = [
                    "file": .string(file.token), "name": .string(FileName.safe(file.name)), "size": .integer(file.size),
                ]
                if let type = file.mediaType { item["type"] = .string(type) }
                return .object(item)
            })
        call.arguments = .object(arguments)
        emit(.call(call))
    }
}
