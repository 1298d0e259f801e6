import Foundation
import Testing

/// Rules that hold for every file.
@Suite struct HouseRuleTests {
    /// Platforms belong to their adapters. The router that knows one is the router that must be changed for each.
    static let platforms = ["telegram", "discord", "imessage", "slack", "whatsapp", "mattermost"]

    @Test func noPlatformStandsInSources() throws {
        for file in try SourceTree.files(below: "Sources", ending: "") {
            for (index, line) in file.lines.enumerated() {
                let lower = line.lowercased()
                for platform in Self.platforms {
                    #expect(!lower.contains(platform), "\(file):\(index + 1) names \(platform)")
                }
            }
        }
    }

    @Test(arguments: ["Sources", "adapters", "Tests"]) func filesStayReadable(_ folder: String) throws {
        let files = try SourceTree.files(below: folder)
        #expect(!files.isEmpty)
        for file in files {
            #expect(file.lines.count <= 600, "\(file) has \(file.lines.count) lines; split it by verb")
        }
    }

    @Test func theTopLevelIsAsDesigned() throws {
        let names = try FileManager.default.contentsOfDirectory(atPath: SourceTree.root.path(percentEncoded: false))
        let visible = Set(names.filter { !$0.hasPrefix(".") }).subtracting(["Package.resolved"])
        #expect(visible == ["Package.swift", "Sources", "Tests", "adapters", "config", "README.md", "LICENSE"])
    }

    /// `try?`, `try!`, and `print` where standard output may be a protocol.
    @Test func noFailureIsSilenced() throws {
        for file in try SourceTree.files(below: "Sources") + SourceTree.files(below: "adapters") {
            for (index, line) in file.lines.enumerated() {
                let code = line.prefix(upTo: line.range(of: "//")?.lowerBound ?? line.endIndex)
                let place = "\(file):\(index + 1)"
                #expect(!code.contains("try!"), "\(place): try!")
                #expect(!code.contains("try?"), "\(place): try?; say in a catch what it means")
                #expect(!code.contains("fatalError("), "\(place): fatalError")
                #expect(!code.contains("nonisolated(unsafe)"), "\(place): nonisolated(unsafe)")
                if code.contains("@unchecked Sendable") {
                    let above = file.lines[max(0, index - 8)..<index]
                    #expect(above.contains { $0.contains("//") }, "\(place): @unchecked Sendable without its proof")
                }
            }
        }
    }

    @Test func theEndpointNeverPrints() throws {
        for module in ["switchboard", "ChannelSession", "ModelContextProtocol", "MessageBus", "OperatingHome"] {
            for file in try SourceTree.files(below: "Sources/\(module)") {
                for (index, line) in file.lines.enumerated() {
                    let code = line.prefix(upTo: line.range(of: "//")?.lowerBound ?? line.endIndex)
                    #expect(
                        !code.contains(/\bprint\(/), "\(file):\(index + 1): print would reach the protocol's stdout")
                }
            }
        }
    }

    /// The project lives in its own tree: no path of a developer's machine stands in it.
    @Test func noForeignPathStandsInTheTree() throws {
        for folder in ["Sources", "adapters", "config", "Tests"] {
            for file in try SourceTree.files(below: folder, ending: "")
            where !file.path.hasSuffix("HouseRuleTests.swift") {
                for (index, line) in file.lines.enumerated() {
                    #expect(!line.contains("/" + "work/"), "\(file):\(index + 1): a path of one machine")
                }
            }
        }
    }
}
