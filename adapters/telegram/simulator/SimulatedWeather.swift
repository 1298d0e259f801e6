/// What goes wrong between a bot and the server, on purpose.
enum SimulatedWeather: Hashable, Sendable {
    /// 409: another program polls.
    case conflict
    /// 429 with this many seconds.
    case flood(Int64)
    /// The request is read and never answered.
    case silent
    /// A proxy's page instead of an answer.
    case page
    /// 500.
    case broken
    /// 401.
    case revoked
    /// The connection ends without an answer; nothing was done.
    case cut
    /// The request is carried out and the connection ends without an answer.
    case cutAfter
    /// The answer comes this many milliseconds late.
    case slow(Int64)
    /// Any refusal with this code and description.
    case refused(Int64, String)
    /// A redirect to this address, which no client with a token in its URL must follow.
    case redirect(String)
}

/// Weather for some calls, some times.
struct Forecast: Hashable, Sendable {
    var weather: SimulatedWeather
    /// `nil`: for every method.
    var methods: Set<String>?
    /// `nil`: until it is lifted.
    var times: Int?

    init(_ weather: SimulatedWeather, _ methods: Set<String>? = nil, times: Int? = nil) {
        self.weather = weather
        self.methods = methods
        self.times = times
    }
}

/// The forecasts in force; the first that fits a call is taken.
struct Forecasts {
    private var all: [Forecast] = []

    mutating func add(_ forecast: Forecast) { all.append(forecast) }
    mutating func lift() { all = [] }

    mutating func take(_ method: String) -> SimulatedWeather? {
        guard let index = all.firstIndex(where: { $0.methods?.contains(method) ?? true }) else { return nil }
        if let times = all[index].times {
            if times <= 1 {
                return all.remove(at: index).weather
            }
            all[index].times = times - 1
        }
        return all[index].weather
    }
}
