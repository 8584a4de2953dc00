"""The connections of one worker, for authors of worker models: `Reactor` and `Accepted`."""

from hookserve.reactor.accepted import Accepted
from hookserve.reactor.reactor import Reactor

__all__ = ["Accepted", "Reactor"]
