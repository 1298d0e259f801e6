// swift-tools-version: 6.2
import PackageDescription

let argumentParser = Target.Dependency.product(name: "ArgumentParser", package: "swift-argument-parser")
let logging = Target.Dependency.product(name: "Logging", package: "swift-log")

/// Values and pure functions at the top, processes at the bottom; an arrow never points upwards (`Tests/LayeringTests`).
let package = Package(
    name: "switchboard",
    platforms: [.macOS(.v15)],
    products: [
        .executable(name: "switchboard", targets: ["switchboard"]),
        .executable(name: "switchboard-router", targets: ["switchboard-router"]),
        .executable(name: "switchboard-webhook", targets: ["switchboard-webhook"]),
        .executable(name: "switchboard-telegram", targets: ["switchboard-telegram"]),
        .library(name: "AdapterKit", targets: ["AdapterKit"]),
        .library(name: "SwitchboardTesting", targets: ["SwitchboardTesting"]),
    ],
    dependencies: [
        .package(url: "https://github.com/groue/GRDB.swift", from: "7.10.0"),
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
        .package(url: "https://github.com/apple/swift-log", from: "1.16.2"),
        .package(url: "https://github.com/apple/swift-crypto", from: "4.5.2"),
        .package(url: "https://github.com/apple/swift-http-types", from: "1.8.0", traits: []),
        .package(url: "https://github.com/apple/swift-nio", from: "2.101.2"),
        .package(url: "https://github.com/hummingbird-project/hummingbird", from: "2.28.1", traits: []),
        .package(url: "https://github.com/apple/swift-nio-ssl", from: "2.37.6"),
        .package(url: "https://github.com/hummingbird-project/swift-mustache", from: "2.1.1"),
        .package(url: "https://github.com/swift-server/async-http-client", from: "1.37.0"),
        .package(url: "https://github.com/jpsim/Yams", from: "6.2.2"),
    ],
    targets: [
        // Values.
        .target(name: "JSON"),
        .target(name: "ChannelEvents", dependencies: ["JSON"]),
        .target(name: "BusProtocol", dependencies: ["ChannelEvents", "JSON"]),
        .target(name: "FormattedText", dependencies: ["JSON"]),

        // The bus.
        .systemLibrary(name: "CZeroMQ", providers: [.apt(["libzmq3-dev"]), .brew(["zeromq"])]),
        .target(name: "ZeroMQ", dependencies: ["CZeroMQ"]),
        .target(name: "MessageBus", dependencies: ["BusProtocol", "ChannelEvents", "JSON", "ZeroMQ"]),

        // Markdown.
        .systemLibrary(
            name: "CMarkGFM",
            providers: [.apt(["libcmark-gfm-dev", "libcmark-gfm-extensions-dev"]), .brew(["cmark-gfm"])]),
        .target(name: "Markdown", dependencies: ["CMarkGFM", "FormattedText"]),

        // The router.
        .target(name: "AccessControl", dependencies: ["ChannelEvents"], exclude: ["THREATS.md"]),
        .target(
            name: "MessageStore",
            dependencies: [
                "ChannelEvents", "JSON", "OperatingHome",
                .product(name: "GRDB", package: "GRDB.swift"),
                .product(name: "GRDBSQLite", package: "GRDB.swift"),
                .product(name: "Crypto", package: "swift-crypto"),
            ]),
        .target(
            name: "Routing",
            dependencies: [
                "AccessControl", "BusProtocol", "ChannelEvents", "FormattedText", "JSON", "Markdown", "MessageBus",
                "MessageStore", logging,
            ]),

        // A Claude session's side.
        .target(name: "ModelContextProtocol", dependencies: ["JSON", "OperatingHome"]),
        .target(
            name: "ChannelSession",
            dependencies: ["BusProtocol", "ChannelEvents", "JSON", "MessageBus", "ModelContextProtocol", logging]),

        // A platform's side.
        .target(
            name: "AdapterKit",
            dependencies: [
                "BusProtocol", "ChannelEvents", "FormattedText", "JSON", "MessageBus", "OperatingHome", "OperatingLog",
                logging,
            ]),

        // What every process stands on: places, secrets, locks; logs; the configuration file.
        .target(name: "OperatingHome", dependencies: ["JSON"]),
        .target(name: "OperatingLog", dependencies: ["ChannelEvents", "JSON", logging]),
        .target(
            name: "OperatingConfiguration",
            dependencies: ["AccessControl", "ChannelEvents", "JSON", "OperatingHome", "Yams"]),

        // Programs.
        .executableTarget(
            name: "switchboard",
            dependencies: [
                "BusProtocol", "ChannelEvents", "ChannelSession", "JSON", "MessageBus", "ModelContextProtocol",
                "OperatingHome", "OperatingLog", argumentParser, logging,
            ]),
        .executableTarget(
            name: "switchboard-router",
            dependencies: [
                "AccessControl", "BusProtocol", "ChannelEvents", "JSON", "MessageBus", "MessageStore",
                "OperatingConfiguration", "OperatingHome",
                "OperatingLog", "Routing", argumentParser, logging,
            ]),
        .executableTarget(
            name: "switchboard-webhook",
            dependencies: [
                "AdapterKit",
                .product(name: "AsyncHTTPClient", package: "async-http-client"),
                .product(name: "Crypto", package: "swift-crypto"),
                .product(name: "HTTPTypes", package: "swift-http-types"),
                .product(name: "HummingbirdCore", package: "hummingbird"),
                .product(name: "HummingbirdTLS", package: "hummingbird"),
                .product(name: "Mustache", package: "swift-mustache"),
                .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "NIOHTTP1", package: "swift-nio"),
                .product(name: "NIOPosix", package: "swift-nio"),
                .product(name: "NIOSSL", package: "swift-nio-ssl"),
            ],
            path: "adapters/webhook", exclude: ["README.md"]),

        .executableTarget(
            name: "switchboard-telegram",
            dependencies: [
                "AdapterKit",
                .product(name: "AsyncHTTPClient", package: "async-http-client"),
                .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "NIOHTTP1", package: "swift-nio"),
                .product(name: "NIOPosix", package: "swift-nio"),
            ],
            path: "adapters/telegram", exclude: ["README.md", "simulator"]),
        .executableTarget(
            name: "telegram-simulator",
            dependencies: [
                "JSON", logging,
                .product(name: "HTTPTypes", package: "swift-http-types"),
                .product(name: "HummingbirdCore", package: "hummingbird"),
                .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "NIOPosix", package: "swift-nio"),
            ],
            path: "adapters/telegram/simulator"),

        // For tests, ours and other people's.
        .target(
            name: "SwitchboardTesting",
            dependencies: [
                "BusProtocol", "ChannelEvents", "ChannelSession", "JSON", "MessageBus", "ModelContextProtocol",
                "OperatingHome", "ZeroMQ",
            ]),
        .testTarget(name: "JSONTests", dependencies: ["JSON"]),
        .testTarget(name: "ChannelEventsTests", dependencies: ["ChannelEvents", "JSON"]),
        .testTarget(
            name: "BusProtocolTests", dependencies: ["BusProtocol", "ChannelEvents", "JSON", "SwitchboardTesting"],
            resources: [.copy("Golden")]),
        .testTarget(name: "FormattedTextTests", dependencies: ["FormattedText", "JSON", "Markdown"]),
        .testTarget(name: "ZeroMQTests", dependencies: ["ZeroMQ"]),
        .testTarget(
            name: "MessageBusTests",
            dependencies: ["BusProtocol", "JSON", "MessageBus", "SwitchboardTesting", "ZeroMQ"]),
        .testTarget(
            name: "AccessControlTests", dependencies: ["AccessControl", "ChannelEvents", "SwitchboardTesting"]),
        .testTarget(
            name: "MessageStoreTests",
            dependencies: [
                "ChannelEvents", "JSON", "MessageStore", "SwitchboardTesting",
                .product(name: "GRDB", package: "GRDB.swift"),
            ]),
        .testTarget(
            name: "RoutingTests",
            dependencies: [
                "AccessControl", "BusProtocol", "ChannelEvents", "JSON", "MessageBus", "MessageStore", "Routing",
                "SwitchboardTesting",
            ]),
        .testTarget(
            name: "ModelContextProtocolTests",
            dependencies: ["JSON", "ModelContextProtocol", "OperatingHome", "SwitchboardTesting"]),
        .testTarget(
            name: "ChannelSessionTests",
            dependencies: [
                "BusProtocol", "ChannelEvents", "ChannelSession", "JSON", "MessageBus", "ModelContextProtocol",
                "OperatingHome", "SwitchboardTesting", "switchboard", logging,
            ]),
        .testTarget(name: "AdapterKitTests", dependencies: ["AdapterKit", "MessageBus", "SwitchboardTesting"]),
        .testTarget(
            name: "OperatingConfigurationTests",
            dependencies: [
                "AccessControl", "ChannelEvents", "JSON", "OperatingConfiguration", "OperatingHome", "OperatingLog",
                "SwitchboardTesting", logging,
            ]),
        .testTarget(
            name: "WebhookTests",
            dependencies: [
                "AdapterKit", "ChannelEvents", "JSON", "SwitchboardTesting", "switchboard-webhook",
                .product(name: "Crypto", package: "swift-crypto"),
                .product(name: "HTTPTypes", package: "swift-http-types"),
            ]),
        .testTarget(
            name: "TelegramTests",
            dependencies: [
                "AdapterKit", "SwitchboardTesting", "switchboard-telegram", "telegram-simulator",
                .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "NIOPosix", package: "swift-nio"),
            ]),
        .testTarget(
            name: "SwitchboardTests",
            dependencies: [
                "BusProtocol", "ChannelEvents", "JSON", "OperatingHome", "SwitchboardTesting", "switchboard",
            ]),
        .testTarget(name: "LayeringTests"),
        .testTarget(
            name: "EndToEndTests",
            dependencies: [
                "BusProtocol", "ChannelEvents", "FormattedText", "JSON", "MessageBus", "MessageStore", "OperatingHome",
                "SwitchboardTesting",
            ]),
        // An adapter whose platform is a folder, for the tests that kill processes.
        .executableTarget(name: "switchboard-rehearsal", dependencies: ["AdapterKit"], path: "Tests/Rehearsal"),
        // An adapter whose platform is the test itself: `ScriptedPlatform`.
        .executableTarget(name: "switchboard-scripted", dependencies: ["AdapterKit"], path: "Tests/ScriptedChat"),

        // `Tests/Benchmarks`: run by hand and by CI's smoke form, never pass or fail on the clock.
        .executableTarget(
            name: "switchboard-benchmarks",
            dependencies: [
                "BusProtocol", "ChannelEvents", "JSON", "MessageBus", "MessageStore", "OperatingHome",
                "SwitchboardTesting",
                "ZeroMQ", argumentParser,
            ],
            path: "Tests/Benchmarks"),
    ],
    swiftLanguageModes: [.v6]
)

for target in package.targets where target.type != .system {
    target.swiftSettings = [
        .enableUpcomingFeature("ExistentialAny"),
        .enableUpcomingFeature("MemberImportVisibility"),
        .enableUpcomingFeature("InternalImportsByDefault"),
        .treatAllWarnings(as: .error),
    ]
}
