import AdapterKit
import SwitchboardTesting
import Testing

@testable import switchboard_webhook

@Suite struct HookOriginalsTests {
    private func originals(_ folder: TemporaryFolder, days: Int64 = 7, limit: Int64 = 1 << 20) throws -> HookOriginals {
        let originals = HookOriginals(
            folder: folder.path + "/originals/webhook", days: days, limit: limit, log: Logger(label: "test"))
        try originals.open()
        return originals
    }

    @Test func aRequestIsKeptAsItCameUnderItsEventsName() throws {
        let folder = try TemporaryFolder()
        let originals = try originals(folder)
        let bytes = Array("{\"a\":\u{1F600}".utf8) + [0xFF, 0]
        let kept = try #require(originals.keep(bytes, isJSON: true, for: "ci:1"))
        #expect(kept.name == "request.json" && kept.size == Int64(bytes.count))
        let path = try #require(originals.path(of: kept.id))
        #expect(try SmallFile.read(path, limit: 1_000) == bytes)
        // The same again is the same file, whatever it says now.
        #expect(originals.keep([1], isJSON: true, for: "ci:1")?.id == kept.id)
        #expect(try SmallFile.read(path, limit: 1_000) == bytes)
        originals.forget("ci:1")
        #expect(originals.path(of: kept.id) == nil)
    }

    @Test(arguments: ["", "..", "../../secrets.env", "0123456789abcdef0123456789abcdeg", "/etc/passwd", "0123"])
    func onlyItsOwnNamesLeadToFiles(_ name: String) throws {
        let folder = try TemporaryFolder()
        #expect(try originals(folder).path(of: name) == nil)
    }

    @Test func theOldestGoWhenItIsTooMuch() throws {
        let folder = try TemporaryFolder()
        let originals = try originals(folder, limit: 40_960)
        let body = [UInt8](repeating: 7, count: 4_000)
        let ids = (0..<60).compactMap { originals.keep(body, isJSON: false, for: "ci:\($0)")?.id }
        #expect(ids.count == 60)
        originals.sweep()
        let left = ids.filter { originals.path(of: $0) != nil }
        #expect(left.count == 10)
    }

    @Test func withZeroDaysNothingIsKept() throws {
        let folder = try TemporaryFolder()
        let originals = try originals(folder, days: 0)
        #expect(originals.keep([1], isJSON: false, for: "ci:1") == nil)
    }
}
