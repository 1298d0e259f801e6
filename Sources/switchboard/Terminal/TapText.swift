import JSON

/// A line of the tap for people: when, what about, and the members as `key=value`.
enum TapText {
    static func text(topic: String, _ value: JSONValue) -> String {
        let time = value["time_ms"]?.integerValue ?? value["time"]?.integerValue ?? TimeText.now()
        var line = "\(TimeText.stamp(time).suffix(8))  \(Table.fit(topic, max(8, topic.count)))"
        for member in value.objectValue ?? JSONObject() where !["topic", "time", "time_ms"].contains(member.key) {
            line += "  \(member.key)=\(member.value.stringValue ?? member.value.text)"
        }
        return Terminal.plain(line)
    }
}
