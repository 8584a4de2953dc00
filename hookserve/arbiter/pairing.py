"""Another worker model for an application whose interface the one that was begun does not run.

Where no source names a model, the first worker begins with the default one.  It says what interface
the application has once that is loaded, and the arbiter begins anew with a model that runs it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from hookserve.arbiter.preparation import load_serving_classes
from hookserve.errors import HookserveError

if TYPE_CHECKING:
    from hookserve.arbiter.arbiter import Arbiter
    from hookserve.arbiter.handles import WorkerHandle


def switch_model(arbiter: Arbiter, handle: WorkerHandle) -> bool:
    """Have workers of another model from now on than one that could not boot, where there is one
    for the application's interface; returns whether its end is no failure for that reason."""
    current = arbiter.current
    interface = handle.found_interface
    if not interface or arbiter.has_been_ready or not current.config.is_default("worker_class"):
        return False
    if handle.model != current.classes.worker_type.name:
        return True  # a worker beside it was the first to say so
    try:
        classes = load_serving_classes(current.assembly.host, current.config, interface)
    except HookserveError:  # the worker has said what is wrong
        return False
    if classes.worker_type.name == handle.model:  # it would say so for ever
        return False
    arbiter.current = current._replace(classes=classes)
    arbiter.begin_generation()
    arbiter.auxiliaries.restart()  # the scoreboard that they read may be another one now
    arbiter.log.info(
        "%s has the interface %s: the worker model is %s",
        current.config.wsgi_app,
        interface,
        classes.worker_type.name,
    )
    for warning in current.assembly.unhonoured_by(classes.worker_type):
        arbiter.log.warning("%s", warning)
    return True
