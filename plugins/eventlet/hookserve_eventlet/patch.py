"""Makes the standard library cooperative, before the application is imported."""

from __future__ import annotations

from hookserve.patching import Originals


def patch() -> None:
    """Patch everything that eventlet can; raises BootError naming a module that came too early."""
    originals = Originals()
    import eventlet

    eventlet.monkey_patch()
    originals.refuse_keepers("eventlet", ("eventlet", "greenlet", "dns"))
