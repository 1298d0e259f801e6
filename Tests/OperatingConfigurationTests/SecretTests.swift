import OperatingHome
import Testing

#if canImport(Darwin)
    import Darwin
#else
    import Glibc
#endif

@Suite struct SecretTests {
    @Test func environmentGoesBeforeTheFile() throws {
        try PlacesTests.inFolder { folder in
            let places = Places(home: folder)
            try PlacesTests.write(
                "# ours\nexport A='from file'\nB = \"two = three\"\nC=plain # not a comment\n", places.secretsFile)
            let resolver = SecretResolver(places: places, environment: ["A": "from environment", "EMPTY": ""])
            #expect(try resolver.resolve("env:A", key: "k") == "from environment")
            #expect(try resolver.resolve("env:B", key: "k") == "two = three")
            #expect(try resolver.resolve("env:C", key: "k") == "plain # not a comment")
            let bare = SecretResolver(places: places, environment: [:])
            #expect(try bare.resolve("env:A", key: "k") == "from file")
        }
    }

    @Test func errorsNameTheKeyAndNeverAValue() throws {
        try PlacesTests.inFolder { folder in
            let places = Places(home: folder)
            let resolver = SecretResolver(places: places, environment: [:])
            let cases: [(String, HomeError.Code)] = [
                ("env:MISSING", .missingSecret), ("file:missing", .missingSecret), ("hunter2-literal", .notAReference),
                ("file:open", .exposed), ("file:empty", .missingSecret),
            ]
            try PlacesTests.write("hunter2", folder + "/open", mode: 0o644)
            try PlacesTests.write("\n", folder + "/empty")
            for (reference, code) in cases {
                #expect { _ = try resolver.resolve(reference, key: "adapters.chat.token") } throws: { error in
                    guard let error = error as? HomeError else { return false }
                    return error.code == code && error.message.contains("adapters.chat.token")
                        && !error.message.contains("hunter2")
                }
            }
        }
    }

    @Test func aFileIsRelativeToTheConfigurationAndLosesItsLineBreak() throws {
        try PlacesTests.inFolder { folder in
            try PlacesTests.write("s3cret\r\n", folder + "/token")
            let resolver = SecretResolver(places: Places(home: folder), environment: [:])
            #expect(try resolver.resolve("file:token", key: "k") == "s3cret")
            #expect(try resolver.resolve("file:\(folder)/token", key: "k") == "s3cret")
        }
    }

    @Test func aSecretsFileThatOthersCanReadIsRefused() throws {
        try PlacesTests.inFolder { folder in
            let places = Places(home: folder)
            try PlacesTests.write("A=1\n", places.secretsFile, mode: 0o640)
            let resolver = SecretResolver(places: places, environment: [:])
            #expect { _ = try resolver.resolve("env:A", key: "k") } throws: { error in
                (error as? HomeError)?.code == .exposed && "\(error)".contains("chmod 600")
            }
        }
    }

    @Test func aBadLineIsNamedByNumberOnly() throws {
        try PlacesTests.inFolder { folder in
            let places = Places(home: folder)
            try PlacesTests.write("A=1\nhunter2\n", places.secretsFile)
            #expect { _ = try SecretResolver(places: places, environment: [:]).resolve("env:B", key: "k") } throws: {
                error in
                "\(error)".contains("line 2") && !"\(error)".contains("hunter2")
            }
        }
    }
}
