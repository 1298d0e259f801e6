import BusProtocol
import ChannelEvents
import Logging
import MessageBus
import ModelContextProtocol

extension SessionCore {
    /// Writes what was delivered, in order, as one run of lines.
    mutating func deliver(_ batch: [Delivery]) {
        guard deliveries.waiting.isEmpty, lines.hasRoom else { return wait(batch) }
        write(batch)
    }

    private mutating func wait(_ batch: [Delivery]) {
        let known = batch.filter { !deliveries.isUnderWay($0) }
        let room = max(0, Int(SessionIdentity.credit) - deliveries.waiting.count)
        deliveries.waiting += known.prefix(room)
        guard known.count > room else { return }
        log(.warning, "router sent more than its credit", ["refused": "\(known.count - room)"])
        emit(.receipt(Receipt(failed: known.dropFirst(room).map { .init(delivery: $0.id, code: "flood") })))
    }

    mutating func deliverWaiting() {
        guard !deliveries.waiting.isEmpty, lines.hasRoom else { return }
        let batch = deliveries.waiting
        deliveries.waiting = []
        write(batch)
    }

    private mutating func write(_ batch: [Delivery]) {
        var bytes: [UInt8] = []
        var written: [DeliveryLedger.Written] = []
        written.reserveCapacity(batch.count)
        var receipt = Receipt()
        for delivery in batch {
            guard deliveries.begin(delivery) else { continue }
            if delivery.redelivery == 0, deliveries.written.contains(delivery) {
                // It is in Claude's pipe already, and the router did not hear so: say it again, write it not.
                receipt.written.append(delivery.id)
                deliveries.giveUp(delivery)
                continue
            }
            do throws(ChannelNotification.Failure) {
                let line = try ChannelNotification.line(delivery)
                let shown = AttributeText.identifier(delivery.head.id)
                if shown != delivery.head.id {
                    deliveries.note(
                        "\(delivery.source.text):\(delivery.head.id)", shownAs: "\(delivery.source.text):\(shown)")
                }
                if bytes.isEmpty { bytes = line } else { bytes.append(contentsOf: line) }
                written.append(
                    DeliveryLedger.Written(
                        id: delivery.id, fingerprint: WrittenDeliveries.fingerprint(delivery),
                        event: tracesDeliveries ? "\(delivery.source.text):\(delivery.head.id)" : nil))
            } catch {
                receipt.failed.append(.init(delivery: delivery.id, code: error.rawValue))
                deliveries.giveUp(delivery)
                log(
                    .warning, "delivery cannot be written",
                    [
                        "event": "\(EventKey(source: delivery.source, id: delivery.head.id))",
                        "delivery": "\(delivery.id)", "code": "\(error.rawValue)",
                    ])
            }
        }
        emit(lines: bytes, deliveries: written)
        if receipt != Receipt() { emit(.receipt(receipt)) }
    }

    /// One receipt for everything that one write put into the pipe.
    mutating func report(_ written: [DeliveryLedger.Written]) {
        guard !written.isEmpty else { return }
        emit(.remember(deliveries.written.ids))
        emit(.receipt(Receipt(written: written.map(\.id))))
        guard tracesDeliveries else { return }
        for delivery in written {
            log(.debug, "delivery written", ["event": "\(delivery.event ?? "")", "delivery": "\(delivery.id)"])
        }
    }

    /// The bus did not take a receipt: it is kept, and goes with the next acknowledgement.
    mutating func receiptRefused(_ receipt: Receipt) {
        deliveries.unsentReceipt.written += receipt.written
        deliveries.unsentReceipt.failed += receipt.failed
        deliveries.unsentReceipt.verdicts += receipt.verdicts
    }

    mutating func resendReceipts() {
        let receipt = deliveries.unsentReceipt
        guard receipt != Receipt() else { return }
        deliveries.unsentReceipt = Receipt()
        emit(.receipt(receipt))
    }
}
