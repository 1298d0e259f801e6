import ChannelEvents
import Testing

@Suite struct FileNameTests {
    @Test(arguments: [
        ("report.pdf", "report.pdf"), ("Zeugnis für Ann.pdf", "Zeugnis für Ann.pdf"), ("写真.png", "写真.png"),
        ("../../.ssh/authorized_keys", "authorized_keys"), ("..\\..\\boot.ini", "boot.ini"),
        ("/etc/passwd", "passwd"), ("..", "file"), (".", "file"), ("", "file"), ("folder/", "file"),
        (".bashrc", "bashrc"), ("-rf", "rf"), ("--force.txt", "force.txt"), ("~root", "root"), (" . - a", "a"),
        ("a\u{0}b.png", "a_b.png"), ("a\r\nb", "a__b"), ("cod\u{202E}gpj.exe", "cod_gpj.exe"),
        ("a\u{200B}b", "a_b"), ("a\u{00A0}b", "a b"), ("tail. . ", "tail"), ("\u{202E}\u{200B}", "file"),
        ("\"><channel chat_id=x>", "___channel chat_id=x_"), ("$(reboot)`id`;x", "_(reboot)_id__x"),
        ("C:evil.txt", "C_evil.txt"), ("a.png:stream", "a.png_stream"),
    ])
    func aNameMeansItselfAlone(_ proposed: String, _ safe: String) {
        #expect(FileName.safe(proposed) == safe)
    }

    @Test func noNameIsAName() {
        #expect(FileName.safe(nil) == "file")
    }

    @Test func aLongNameKeepsItsEnding() {
        let name = FileName.safe(String(repeating: "ä", count: 400) + ".jpeg")
        #expect(name.utf8.count <= FileName.longest)
        #expect(name.hasSuffix("ä.jpeg"))
        let endless = FileName.safe("a." + String(repeating: "b", count: 1_000_000))
        #expect(endless.utf8.count <= FileName.longest)
    }

    /// Every scalar of the first plane, at the start, within and at the end of a name.
    @Test func noScalarBreaksTheRules() {
        for value in UInt32(0)...0xFFFF {
            guard let scalar = Unicode.Scalar(value) else { continue }
            for proposed in ["\(scalar)", "\(scalar)a", "a\(scalar)a", "a.\(scalar)"] {
                let name = FileName.safe(proposed)
                let isSafe =
                    !name.isEmpty && name.utf8.count <= FileName.longest
                    && !name.unicodeScalars.contains { $0 == "/" || $0 == "\\" || $0.value < 0x20 || $0.value == 0x7F }
                    && !name.hasPrefix(".") && !name.hasPrefix("-") && !name.hasPrefix("~")
                if !isSafe || FileName.safe(name) != name {
                    Issue.record("U+\(String(value, radix: 16)) gives \(name)")
                }
            }
        }
    }

    @Test func theCutNameIsSafeToo() {
        for length in 100...140 {
            let name = FileName.safe(String(repeating: "x", count: length) + ". .  .txt")
            #expect(FileName.safe(name) == name)
            #expect(name.hasSuffix("x.txt") || length + 9 <= FileName.longest)
        }
    }
}
