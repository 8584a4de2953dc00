"""The connections of one worker, for authors of worker models: `Reactor`, `Accepted`, `Event`."""

from hookserve.net.poller import Event
from hookserve.reactor.accepted import Accepted
from hookserve.reactor.reactor import Reactor

__all__ = ["Accepted", "Event", "Reactor"]
