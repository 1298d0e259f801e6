import ChannelEvents
import Testing

struct TimestampTests {
    @Test(arguments: [
        (0, "1970-01-01T00:00:00.000Z"), (-1, "1969-12-31T23:59:59.999Z"),
        (951_782_400_000, "2000-02-29T00:00:00.000Z"),
        (951_868_799_999, "2000-02-29T23:59:59.999Z"), (4_107_542_400_000, "2100-03-01T00:00:00.000Z"),
        (1_709_164_799_000, "2024-02-28T23:59:59.000Z"), (1_709_164_800_000, "2024-02-29T00:00:00.000Z"),
        (1_735_689_599_999, "2024-12-31T23:59:59.999Z"), (1_795_442_664_123, "2026-11-23T14:04:24.123Z"),
        (2_147_483_648_000, "2038-01-19T03:14:08.000Z"), (-62_135_596_800_000, "0001-01-01T00:00:00.000Z"),
        (253_402_300_799_999, "9999-12-31T23:59:59.999Z"),
    ])
    func knownDates(milliseconds: Int64, text: String) {
        #expect(Timestamp.text(milliseconds: milliseconds) == text)
    }

    /// A sender's clock is not ours to trust.
    @Test func extremesDoNotTrap() {
        #expect(!Timestamp.text(milliseconds: .max).isEmpty)
        #expect(!Timestamp.text(milliseconds: .min).isEmpty)
    }
}
