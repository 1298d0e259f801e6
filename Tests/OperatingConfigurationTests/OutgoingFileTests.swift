import OperatingHome
import Testing

#if canImport(Darwin)
    import Darwin
#else
    import Glibc
#endif

/// What may leave this machine in a reply, tried on the real file system as somebody would who wants the secrets.
@Suite struct OutgoingFileTests {
    /// A home with secrets in it and a project folder beside it.
    static func inHome(_ body: (Places, _ project: String) throws -> Void) throws {
        try PlacesTests.inFolder { folder in
            let places = Places(home: folder + "/home")
            for path in [places.configuration, places.state, places.files, folder + "/project"] {
                try #require(mkdir(path, 0o700) == 0)
            }
            try PlacesTests.write("TOKEN=hidden", places.secretsFile)
            try PlacesTests.write("adapters: {}", places.configurationFile)
            try PlacesTests.write("rows", places.database)
            try PlacesTests.write("picture", places.files + "/photo.png")
            try PlacesTests.write("0123456789", folder + "/project/report.txt")
            try body(places, folder + "/project")
        }
    }

    static func refusal(_ path: String, _ places: Places, limit: Int64 = 1_000) -> HomeError.Code? {
        do {
            _ = try OutgoingFile(path, places: places, limit: limit)
            return nil
        } catch {
            return error.code
        }
    }

    @Test func aFileIsReadInRanges() throws {
        try Self.inHome { places, project in
            let file = try OutgoingFile(project + "/report.txt", places: places, limit: 10)
            #expect(file.size == 10)
            #expect(try file.bytes(from: 0, count: 4) == Array("0123".utf8))
            #expect(try file.bytes(from: 8, count: 100) == Array("89".utf8))
            #expect(try file.bytes(from: 10, count: 1) == [])
            #expect(try file.bytes(from: -1, count: 1) == [])
        }
    }

    @Test func whatIsSwitchboardsOwnStays() throws {
        try Self.inHome { places, project in
            for path in [places.secretsFile, places.configurationFile, places.database] {
                #expect(Self.refusal(path, places) == .refusedFile, "\(path)")
                let roundabout = project + "/../home/./" + path.dropFirst(places.configuration.count + 1)
                #expect(Self.refusal(roundabout, places) == .refusedFile, "\(roundabout)")
            }
            #expect(Self.refusal(places.files + "/photo.png", places) == nil)
            #expect(Self.refusal(places.files + "/../switchboard.sqlite3", places) == .refusedFile)
        }
    }

    @Test func linksAreSeenThrough() throws {
        try Self.inHome { places, project in
            try #require(symlink(places.secretsFile, project + "/notes.txt") == 0)
            #expect(Self.refusal(project + "/notes.txt", places) == .refusedFile)
            try #require(symlink(places.configuration, project + "/folder") == 0)
            #expect(Self.refusal(project + "/folder/secrets.env", places) == .refusedFile)
            try #require(link(places.secretsFile, project + "/hard.txt") == 0)
            #expect(Self.refusal(project + "/hard.txt", places) == .refusedFile)
            // A link into the folder of received files makes no secret a received file.
            try #require(link(places.database, places.files + "/rows.bin") == 0)
            #expect(Self.refusal(places.files + "/rows.bin", places) == .refusedFile)
            try #require(symlink(places.database, places.files + "/rows.txt") == 0)
            #expect(Self.refusal(places.files + "/rows.txt", places) == .refusedFile)
        }
    }

    @Test func ordinaryLinksAreNoOffence() throws {
        try Self.inHome { places, project in
            try #require(symlink(project + "/report.txt", project + "/soft.txt") == 0)
            try #require(link(project + "/report.txt", project + "/hard.txt") == 0)
            #expect(Self.refusal(project + "/soft.txt", places) == nil)
            #expect(Self.refusal(project + "/hard.txt", places) == nil)
        }
    }

    @Test func aFolderOfASimilarNameIsNotOurs() throws {
        try Self.inHome { places, _ in
            try #require(mkdir(places.configuration + "-notes", 0o700) == 0)
            try PlacesTests.write("x", places.configuration + "-notes/a.txt")
            #expect(Self.refusal(places.configuration + "-notes/a.txt", places) == nil)
        }
    }

    @Test func onlyRegularFilesOfAllowedLength() throws {
        try Self.inHome { places, project in
            try #require(mkfifo(project + "/pipe", 0o600) == 0)
            // Would wait for ever if opening a pipe waited for its writer.
            #expect(Self.refusal(project + "/pipe", places) == .refusedFile)
            #expect(Self.refusal(project, places) == .refusedFile)
            #expect(Self.refusal("/dev/null", places) == .refusedFile)
            #expect(Self.refusal(project + "/report.txt", places, limit: 9) == .refusedFile)
            #expect(Self.refusal("report.txt", places) == .refusedFile)
            #expect(Self.refusal(project + "/report.txt\u{0}.png", places) == .refusedFile)
            #expect(Self.refusal(project + "/missing.txt", places) == .file)
        }
    }

    @Test func aLinkTurnedAfterTheCheckChangesNothing() throws {
        try Self.inHome { places, project in
            let path = project + "/soft.txt"
            try #require(symlink(project + "/report.txt", path) == 0)
            let file = try OutgoingFile(path, places: places, limit: 1_000)
            try #require(unlink(path) == 0)
            try #require(symlink(places.secretsFile, path) == 0)
            #expect(try file.bytes(from: 0, count: 10) == Array("0123456789".utf8))
        }
    }

    @Test func aFileThatChangesIsNotSentAsOne() throws {
        try Self.inHome { places, project in
            let path = project + "/report.txt"
            let file = try OutgoingFile(path, places: places, limit: 1_000)
            #expect(try file.bytes(from: 0, count: 2) == Array("01".utf8))
            try #require(truncate(path, 5) == 0)
            let refusal = #expect(throws: HomeError.self) { try file.bytes(from: 2, count: 8) }
            #expect(refusal?.code == .refusedFile)
        }
    }
}
