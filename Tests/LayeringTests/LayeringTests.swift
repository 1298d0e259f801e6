import Testing

/// The arrows between modules. They are read from the import lines, so that a shortcut is a failing test and not a habit.
@Suite struct LayeringTests {
    /// What every module may import beside the system; nothing else of ours, nothing else of others.
    static let arrows: [String: Set<String>] = [
        "JSON": [],
        "ChannelEvents": ["JSON"],
        "BusProtocol": ["ChannelEvents", "JSON"],
        "CMarkGFM": [],
        "FormattedText": ["JSON"],
        "Markdown": ["CMarkGFM", "FormattedText"],
        "CZeroMQ": [],
        "ZeroMQ": ["CZeroMQ"],
        "MessageBus": ["BusProtocol", "ChannelEvents", "JSON", "ZeroMQ"],
        "AccessControl": ["ChannelEvents"],
        "MessageStore": ["ChannelEvents", "JSON", "OperatingHome", "Crypto", "GRDB", "GRDBSQLite"],
        "Routing": [
            "AccessControl", "BusProtocol", "ChannelEvents", "FormattedText", "JSON", "Logging", "Markdown",
            "MessageBus",
            "MessageStore",
        ],
        "ModelContextProtocol": ["JSON", "OperatingHome"],
        "ChannelSession": ["BusProtocol", "ChannelEvents", "JSON", "MessageBus", "ModelContextProtocol", "Logging"],
        "AdapterKit": [
            "BusProtocol", "ChannelEvents", "FormattedText", "JSON", "MessageBus", "OperatingHome", "OperatingLog",
            "Logging",
        ],
        "OperatingHome": [],
        "OperatingLog": ["ChannelEvents", "JSON", "Logging"],
        "OperatingConfiguration": ["AccessControl", "ChannelEvents", "JSON", "OperatingHome", "Yams"],
        "switchboard": [
            "ArgumentParser", "BusProtocol", "ChannelEvents", "ChannelSession", "JSON", "Logging", "MessageBus",
            "ModelContextProtocol", "OperatingHome", "OperatingLog",
        ],
        "switchboard-router": [
            "AccessControl", "ArgumentParser", "BusProtocol", "ChannelEvents", "JSON", "Logging", "MessageBus",
            "MessageStore", "OperatingConfiguration", "OperatingHome", "OperatingLog", "Routing",
        ],
        "SwitchboardTesting": [
            "AdapterKit", "BusProtocol", "ChannelEvents", "ChannelSession", "JSON", "Logging", "MessageBus",
            "ModelContextProtocol", "OperatingHome", "OperatingLog", "Testing", "ZeroMQ",
        ],
    ]

    /// Modules that come with the system or the compiler. Foundation is none of them: it costs the start its milliseconds.
    static let system: Set<String> = ["Darwin", "Dispatch", "Glibc", "Musl", "Synchronization", "FoundationEssentials"]

    /// What an adapter must not touch: the router's side, and what one owner alone may import.
    static let forbiddenInAdapters: Set<String> = [
        "AccessControl", "CMarkGFM", "CZeroMQ", "ChannelSession", "Foundation", "GRDB", "GRDBSQLite", "Markdown",
        "MessageStore",
        "ModelContextProtocol", "OperatingConfiguration", "Routing", "Yams", "ZeroMQ",
    ]

    @Test func theTableNamesEveryModule() throws {
        #expect(Set(try SourceTree.folders(in: "Sources")) == Set(Self.arrows.keys))
    }

    @Test(arguments: arrows.keys.sorted()) func importsFollowTheArrows(_ module: String) throws {
        let allowed = try #require(Self.arrows[module]).union(Self.system)
        for file in try SourceTree.files(below: "Sources/\(module)") {
            for name in SourceTree.imports(of: file) {
                #expect(allowed.contains(name), "\(file): \(module) may not import \(name)")
            }
        }
    }

    @Test func arrowsHaveNoCircle() {
        var left = Self.arrows
        while let free = left.first(where: { entry in entry.value.allSatisfy { left[$0] == nil } }) {
            left[free.key] = nil
        }
        #expect(left.isEmpty, "a circle among \(left.keys.sorted())")
    }

    @Test(arguments: [
        ("CMarkGFM", "Markdown"), ("CZeroMQ", "ZeroMQ"), ("GRDB", "MessageStore"), ("GRDBSQLite", "MessageStore"),
        ("Yams", "OperatingConfiguration"),
    ])
    func oneModuleAloneImports(_ library: String, owner: String) throws {
        let importers = try SourceTree.files(below: "Sources").filter { SourceTree.imports(of: $0).contains(library) }
        #expect(!importers.isEmpty)
        #expect(importers.allSatisfy { $0.path.hasPrefix("Sources/\(owner)/") }, "\(importers)")
    }

    @Test func adaptersStandOnTheKitAlone() throws {
        let adapters = try SourceTree.folders(in: "adapters")
        for file in try SourceTree.files(below: "adapters") {
            for name in SourceTree.imports(of: file) {
                #expect(!Self.forbiddenInAdapters.contains(name), "\(file) may not import \(name)")
                #expect(!adapters.contains { name == "switchboard_\($0)" }, "\(file) imports another adapter")
            }
        }
    }

    @Test func importLinesAreRead() {
        let lines: [(String, String?)] = [
            ("import JSON", "JSON"), ("public import JSON", "JSON"), ("    import Darwin", "Darwin"),
            ("@testable import Routing", "Routing"), ("internal import struct Foo.Bar", "Foo"),
            ("@_spi(X) public import func A.b", "A"), ("// import JSON", nil), ("let text = \"import JSON\"", nil),
        ]
        for (line, module) in lines {
            let file = SourceTree.File(path: "x", lines: [Substring(line)])
            #expect(SourceTree.imports(of: file) == (module.map { [$0] } ?? []), "\(line)")
        }
    }
}
