// An adapter's author imports AdapterKit and has the values that its own declarations speak of.
@_exported public import BusProtocol
@_exported public import ChannelEvents
@_exported public import FormattedText
@_exported public import JSON
@_exported public import Logging
@_exported public import OperatingHome
