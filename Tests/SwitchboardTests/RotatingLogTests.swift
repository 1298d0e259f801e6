import OperatingHome
import Testing

@testable import switchboard

#if canImport(Darwin)
    import Darwin
#else
    import Glibc
#endif

@Suite struct RotatingLogTests {
    @Test func aLogNeverGrowsPastItsLimitAndOldOnesEnd() throws {
        var template = Array("/tmp/switchboard-log-XXXXXX".utf8CString)
        try #require(mkdtemp(&template) != nil)
        let folder = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
        let path = folder + "/a.log"
        let names = ["", ".1", ".2", ".3", ".4"].map { path + $0 }
        defer {
            for name in names { unlink(name) }
            rmdir(folder)
        }
        let log = try RotatingLog(path)
        let lines = [UInt8](repeating: 0x61, count: RotatingLog.limit / 2 - 1) + [0x0A]
        for _ in 0..<12 { log.write(lines) }
        var sizes: [Int] = []
        for name in names {
            var status = stat()
            sizes.append(stat(name, &status) == 0 ? Int(status.st_size) : 0)
        }
        #expect(sizes == [RotatingLog.limit, RotatingLog.limit, RotatingLog.limit, RotatingLog.limit, 0])
    }

    @Test func theLastLinesAreRead() throws {
        var template = Array("/tmp/switchboard-log-XXXXXX".utf8CString)
        try #require(mkdtemp(&template) != nil)
        let folder = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
        let path = folder + "/a.log"
        defer {
            unlink(path)
            rmdir(folder)
        }
        let log = try RotatingLog(path)
        for number in 0..<200_000 { log.write(Array("line \(number)\n".utf8)) }
        #expect(try LogFiles.lastLines(path, 2) == ["line 199998", "line 199999"])
        #expect(try LogFiles.lastLines(path, 0).isEmpty)
    }
}
