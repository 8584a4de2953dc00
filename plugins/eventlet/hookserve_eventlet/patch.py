"""Makes the standard library cooperative, before the application is imported."""

from __future__ import annotations

from hookserve.reactor.patching import PatchCheck


def patch() -> None:
    """Patch everything that eventlet can; raises BootError naming a module that came too early."""
    check = PatchCheck()
    import eventlet

    eventlet.monkey_patch()
    check.check_stale_references("eventlet", ("eventlet", "greenlet", "dns"))
