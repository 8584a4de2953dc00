"""Makes the standard library cooperative, before the application is imported."""

from __future__ import annotations

from hookserve.reactor.patching import PatchCheck


def patch() -> None:
    """Patch everything that gevent can; raises BootError naming a module that came too early."""
    check = PatchCheck()
    from gevent import monkey

    monkey.patch_all()
    check.check_stale_references("gevent", ("gevent", "greenlet", "zope"))
