import Dispatch
import OperatingHome
import Testing

#if canImport(Darwin)
    import Darwin
#else
    import Glibc
#endif

/// Places, locks, keys and secrets on the real file system.
@Suite struct PlacesTests {
    /// A new folder, removed after the test.
    static func inFolder(_ body: (String) throws -> Void) throws {
        var template = Array("/tmp/switchboard-places-XXXXXX".utf8CString)
        try #require(mkdtemp(&template) != nil)
        let folder = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
        defer { removeFolder(folder) }
        try body(folder)
    }

    static func removeFolder(_ path: String) {
        guard let handle = opendir(path) else { return }
        while let entry = readdir(handle) {
            let name = withUnsafeBytes(of: entry.pointee.d_name) {
                String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self)
            }
            if name == "." || name == ".." { continue }
            if unlink("\(path)/\(name)") != 0 { removeFolder("\(path)/\(name)") }
        }
        closedir(handle)
        rmdir(path)
    }

    static func write(_ text: String, _ path: String, mode: mode_t = 0o600) throws {
        let file = open(path, O_WRONLY | O_CREAT | O_TRUNC, mode)
        try #require(file >= 0)
        let bytes = Array(text.utf8)
        #if canImport(Darwin)
            _ = Darwin.write(file, bytes, bytes.count)
        #else
            _ = Glibc.write(file, bytes, bytes.count)
        #endif
        close(file)
        chmod(path, mode)
    }

    @Test func homeHoldsEverything() throws {
        let places = try Places(environment: ["SWITCHBOARD_HOME": "/nowhere/sb/", "HOME": "/home/x"])
        #expect(places.configurationFile == "/nowhere/sb/switchboard.yaml")
        #expect(places.database == "/nowhere/sb/state/switchboard.sqlite3")
        #expect(places.routerSocket == "/nowhere/sb/run/router.sock")
        #expect(places.sourceKeyFile("webhook") == "/nowhere/sb/state/keys/webhook.key")
    }

    #if !os(macOS)
        @Test func xdgDirectoriesAreUsedAndRelativeOnesIgnored() throws {
            let places = try Places(environment: [
                "HOME": "/nowhere/u", "XDG_CONFIG_HOME": "/nowhere/c", "XDG_STATE_HOME": "rel",
            ])
            #expect(places.configurationFile == "/nowhere/c/switchboard/switchboard.yaml")
            #expect(places.database == "/nowhere/u/.local/state/switchboard/switchboard.sqlite3")
        }
    #endif

    @Test func theSameFolderIsTheSamePlaceHoweverReached() throws {
        try Self.inFolder { folder in
            #expect(mkdir("\(folder)/real", 0o700) == 0)
            #expect(symlink("\(folder)/real", "\(folder)/link") == 0)
            #expect(Places(home: "\(folder)/link/home") == Places(home: "\(folder)/real/./home"))
        }
    }

    @Test func aPathTooLongForASocketMovesToAPrivateFolder() throws {
        try Self.inFolder { folder in
            let deep = folder + "/" + String(repeating: "d", count: 120)
            let places = Places(home: deep)
            defer { Self.removeFolder(places.sockets) }
            #expect(places.routerSocket.utf8.count <= 103)
            #expect(places.tapSocket.utf8.count <= 103)
            #expect(places == Places(home: deep))
            #expect(places.sockets != Places(home: deep + "e").sockets)
            try places.prepare()
            var status = stat()
            #expect(stat(places.sockets, &status) == 0)
            #expect(status.st_mode & 0o777 == 0o700)
            // Someone else's folder under that name, or an open one, is refused.
            #expect(chmod(places.sockets, 0o755) == 0)
            #expect { try places.prepare() } throws: { ($0 as? HomeError)?.code == .exposed }
        }
    }

    @Test func aLinkInTheWayOfTheSocketFolderIsNotFollowed() throws {
        try Self.inFolder { folder in
            let places = Places(home: folder + "/" + String(repeating: "l", count: 120))
            #expect(symlink(folder, places.sockets) == 0)
            defer { unlink(places.sockets) }
            #expect(throws: HomeError.self) { try places.prepare() }
        }
    }

    @Test func foldersAreMadeForTheUserAloneAndOpenOnesRefused() throws {
        try Self.inFolder { folder in
            let places = Places(home: "\(folder)/a/b")
            try places.prepare()
            try places.prepare()
            for path in [places.state, places.run, places.logs, places.sourceKeys] {
                var status = stat()
                #expect(stat(path, &status) == 0)
                #expect(status.st_mode & 0o777 == 0o700)
            }
            #expect(chmod(places.run, 0o777) == 0)
            #expect { try places.prepare() } throws: { error in
                let error = error as? HomeError
                return error?.code == .exposed && error?.message.contains("chmod 700 '\(places.run)'") == true
            }
        }
    }

    @Test func aFileInTheWayIsNamed() throws {
        try Self.inFolder { folder in
            try Self.write("", "\(folder)/home")
            #expect { try Places(home: "\(folder)/home").prepare() } throws: { error in
                (error as? HomeError)?.message.contains("\(folder)/home") == true
            }
        }
    }

    /// A router that was started while that of a killed supervisor was about to end gave up at once.
    @Test func aLockIsWaitedForWhenItsHolderIsAboutToEnd() throws {
        try Self.inFolder { folder in
            let path = "\(folder)/handover.lock"
            var first: FileLock? = try FileLock(path, what: "a test")
            let taken = DispatchSemaphore(value: 0)
            try SystemThread.start("second") {
                do {
                    try withExtendedLifetime(FileLock(path, what: "a test", waiting: 20)) { _ = taken.signal() }
                } catch {
                    Issue.record(error)
                }
            }
            withExtendedLifetime(first) {}
            first = nil
            #expect(taken.wait(timeout: .now() + .seconds(20)) == .success)
        }
    }

    @Test func oneHolderOfALockNamedToTheSecond() throws {
        try Self.inFolder { folder in
            let path = folder + "/test.lock"
            #expect(try FileLock.holder(path) == nil)
            let first = try FileLock(path, what: "a test")
            #expect(try FileLock.holder(path) == getpid())
            #expect { _ = try FileLock(path, what: "a test") } throws: { error in
                let error = error as? HomeError
                return error?.code == .held && error?.holder == getpid() && error?.message.contains("a test") == true
            }
            withExtendedLifetime(first) {}
        }
    }

    @Test func aLockEndsWithItsLastReference() throws {
        try Self.inFolder { folder in
            let path = folder + "/test.lock"
            do { withExtendedLifetime(try FileLock(path, what: "a test")) {} }
            #expect(try FileLock.holder(path) == nil)
            #expect(try FileLock.waitUntilFree(path, seconds: 1))
        }
    }

    @Test func sourceKeysAreMadeOnceAndStayPrivate() throws {
        try Self.inFolder { folder in
            let places = Places(home: folder)
            try places.prepare()
            #expect(try SourceKey.existing("webhook", places: places) == nil)
            let key = try SourceKey.load("webhook", places: places)
            #expect(key.utf8.count == 64)
            #expect(try SourceKey.load("webhook", places: places) == key)
            #expect(try SourceKey.load("second", places: places) != key)
            #expect(chmod(places.sourceKeyFile("webhook"), 0o644) == 0)
            #expect { _ = try SourceKey.load("webhook", places: places) } throws: {
                ($0 as? HomeError)?.code == .exposed
            }
        }
    }
}
