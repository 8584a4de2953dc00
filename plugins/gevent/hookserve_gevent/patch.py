"""Makes the standard library cooperative, before the application is imported."""

from __future__ import annotations

from hookserve.patching import Originals


def patch() -> None:
    """Patch everything that gevent can; raises BootError naming a module that came too early."""
    originals = Originals()
    from gevent import monkey

    monkey.patch_all()
    originals.refuse_keepers("gevent", ("gevent", "greenlet", "zope"))
