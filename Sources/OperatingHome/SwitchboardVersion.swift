/// The version of this Switchboard; all its programs carry the same.
public enum SwitchboardVersion {
    public static let current = "0.1.0"
}
