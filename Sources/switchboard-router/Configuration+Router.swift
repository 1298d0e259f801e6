import BusProtocol
import ChannelEvents
import Logging
import MessageBus
import MessageStore
import OperatingConfiguration
import OperatingHome
import OperatingLog
import Routing

/// The configuration in the words of those who use it.
extension Configuration {
    func routerSettings(_ places: Places) throws -> RouterSettings {
        var settings = RouterSettings(
            access: access, isAccessStatic: isAccessStatic,
            routes: routes.map(RouteRule.init),
            attachSettle: delivery.attachSettle, firstPushWait: delivery.firstPushWait,
            permissions: PermissionSettings(
                cardDelay: permissions.cardDelay,
                onTimeout: PermissionSettings.OnTimeout(rawValue: permissions.onTimeout) ?? .renew,
                limit: permissions.limit, cardsHere: Set(permissions.cardsHere),
                allowsGrants: permissions.allowsGrants, twoPerson: Set(permissions.twoPerson)),
            turns: TurnSettings(
                answersWithTranscript: delivery.answersWithTranscript, showsProgress: delivery.showsProgress,
                deafAfter: delivery.deafAfter, quietWindow: delivery.quietWindow,
                wakeBudget: Int(delivery.wakeBudget)),
            files: FileLimits(
                image: files.image, largest: files.largest, total: files.total, imageWait: files.imageWait),
            fileFolder: places.files,
            version: Program.version)
        for adapter in adapters {
            settings.adapters[adapter.name] = adapter.settings
            if adapter.kind != adapter.name.text { settings.kinds[adapter.name] = adapter.kind }
        }
        settings.feeds = feeds.map(Feed.init)
        settings.minuteOfDay = LocalTime.minuteOfDay
        settings.managed = managed.map {
            ManagedRules(
                isOff: !$0.isEnabled, ceiling: $0.ceiling, forbiddenCommands: $0.forbiddenCommands,
                file: $0.files.joined(separator: " and "))
        }
        return settings
    }

    var storeRetention: RetentionPeriods {
        let day: Int64 = 86_400_000
        return RetentionPeriods(text: retention.textDays * day, identity: retention.idDays * day)
    }

    var logSettings: LogSettings {
        LogSettings(
            environment: ProcessEnvironment.all(),
            fallback: LogSettings(
                format: LogSettings.Format(rawValue: log.format) ?? .text,
                level: Logger.Level(rawValue: log.level) ?? .info))
    }

    func remoteListener(_ places: Places) throws -> BusListener.RemoteListener? {
        guard let remote else { return nil }
        let secret = try SecretResolver(places: places).resolve(remote.secretKeyReference, key: "router.secret_key")
        var authorized: [String: BusListener.AuthorizedPeer] = [:]
        for peer in remote.peers {
            guard let role = Role(rawValue: peer.role) else { continue }
            authorized[peer.publicKey] = BusListener.AuthorizedPeer(role: role, name: peer.name)
        }
        return BusListener.RemoteListener(
            endpoint: remote.endpoint, publicKey: remote.publicKey, secretKey: secret, authorized: authorized)
    }
}

extension RouteRule {
    init(_ entry: Configuration.RouteEntry) {
        let target: Target? =
            switch entry.target {
            case .session(let label): .session(label)
            case .firstIdle(let labels): .firstIdle(labels)
            case .all(let labels): .all(labels)
            case .hold: .hold
            case nil: nil
            }
        self.init(
            source: entry.source, conversation: entry.conversation, thread: entry.thread, sender: entry.sender,
            kind: entry.kind.map(EventKind.init), text: entry.text, to: target, isUrgent: entry.isUrgent)
    }
}

extension Feed {
    init(_ entry: Configuration.FeedEntry) {
        self.init(
            match: RouteRule(entry.match), reportTo: entry.reportTo, ring: Ring(rawValue: entry.ring) ?? .firing,
            quietHours: entry.quietHours.flatMap { Hours($0) })
    }
}
