"""How the tests are selected, ordered and shared between processes; `make test` says with what.

Three markers do it.  ``process``: the test starts a process or forks; `make test-quick` leaves it
out, and fails a test that does so without the marker.  ``serial``: it measures time, memory or
fairness, and runs alone at the end.  ``everywhere``: it repeats for one model what another model
was asked already, and runs in `make test-all` only.
"""

import gc
import json
import logging
import os
import sys
from collections import defaultdict
from functools import cache
from pathlib import Path

import pytest

# Have the assertions of the contracts rewritten: these come first.
from hookserve.testing import AsgiWorkerContract
from hookserve.testing.contract.worker import (
    ClosingContract,
    FileContract,
    InputContract,
    ResponseContract,
    WorkerContract,
)

ROOT = Path(__file__).parent
STARTS_PROCESSES = (
    "tests/chaos",
    "tests/hostile",
    "tests/integration",
    "tests/loads",
    "tests/scrape",
    "tests/testing",
)
WHOLE = ("epoll", "gthread")
"""A buffered and a blocking model: these pass all of PEP 3333 in each run."""
LIKE_OTHERS = {
    "aio": "gthread",
    "asyncio": "gthread",
    "eventlet": "gevent",
    "sync": "gthread",
    "tornado": "epoll",
}
"""With an application of WSGI they work as the other does: asked in `make test-all` only, but for
what is `IN_SHORT`.  Their own interfaces are asked by the plugins' own tests."""
ALL_KINDS = {"gthread", "gevent"}
"""A function that is asked of one of them, or of neither, has chosen them: none is left out."""
MODEL_PARAMETERS = ("worker", "model", "server", "begin", "scene")
READS_FOR_ITSELF = ("tests/integration/test_corpus_over_sockets.py", "asyncio")
"""Bytes reach asyncio by its own event loop, and the reactor's by another."""
ONE_MODEL = ("gthread",)
TWO_MODELS = ("gthread", "gevent")
OF_FEW_MODELS = {
    "tests/chaos/": ONE_MODEL,
    "tests/hostile/": TWO_MODELS,
    "tests/integration/test_binary_upgrade.py": ONE_MODEL,
    "tests/integration/test_frameworks.py": ONE_MODEL,
    "tests/integration/test_protocol_example.py": ONE_MODEL,
    "tests/integration/test_stopping.py": ONE_MODEL,
}
"""What takes long, as load and large applications do, is asked of one or two models in each run."""
PEP_3333 = (ClosingContract, FileContract, InputContract, ResponseContract)
IN_SHORT = (
    "test_the_steps_of_a_life_come_in_their_order",
    "test_an_iterable_is_closed_once_when_the_worker_stops",
    "test_every_kind_of_iterable_is_sent",
    "test_an_error_after_the_head_is_raised",
)
TAKEOVERS = (
    "test_much_goes_both_ways_over_a_connection_that_is_taken_over",
    "test_an_application_that_waits_for_its_client_is_not_silent",
    "test_an_application_is_told_of_a_reload_and_cut_in_time",
    "test_an_application_that_ends_when_it_is_told_ends_a_stop",
)
"""They wait for time to pass: in each run for one model with threads and one with greenlets."""
COUNTS_VARIABLE = "PYTEST_COUNTS_FILE"
_STARTING = ("os.fork", "os.forkpty", "os.posix_spawn", "os.system", "subprocess.Popen")


def pytest_addoption(parser):
    parser.addoption(
        "--no-process", action="store_true", help="a test that starts a process or forks fails"
    )


def pytest_collection_modifyitems(config, items):
    models = _models_of_functions(items)
    paths = {path: path.relative_to(ROOT).as_posix() for path in {item.path for item in items}}
    for item in items:
        path = paths[item.path]
        if path.startswith(STARTS_PROCESSES) or _is_contract(item):
            item.add_marker("process")
        if _is_repeated(item, path, models):
            item.add_marker("everywhere")
    # What takes long comes first, so that no process is left alone with it at the end.
    items.sort(
        key=lambda item: (not _is_contract(item), item.get_closest_marker("process") is None)
    )


def _is_contract(item):
    return item.cls is not None and _is_contract_class(item.cls)


@cache
def _is_contract_class(cls):
    return issubclass(cls, (WorkerContract, AsgiWorkerContract))


def _model_of(item):
    """The worker model that the test is asked of by a parameter; None where there is none."""
    parameters = getattr(getattr(item, "callspec", None), "params", {})
    for name in MODEL_PARAMETERS:
        value = parameters.get(name)
        model = value.get("worker") if isinstance(value, dict) else value
        if isinstance(model, str):
            return model
    return None


def _models_of_functions(items):
    """Of each function the models that it is asked of."""
    found = defaultdict(set)
    for item in items:
        if model := _model_of(item):
            found[item.path, item.originalname].add(model)
    return found


def _is_repeated(item, path, models):
    """Whether what the test asks was asked of another model that works in the same way."""
    if _is_contract(item):
        return _is_repeated_contract(item)
    model = _model_of(item) if item.get_closest_marker("process") else None
    if model is None or (path, model) == READS_FOR_ITSELF:
        return False
    for place, few in OF_FEW_MODELS.items():
        if path.startswith(place):
            return model not in few
    return model in LIKE_OTHERS and models[item.path, item.originalname] >= ALL_KINDS


def _is_repeated_contract(item):
    if issubclass(item.cls, AsgiWorkerContract):
        return False  # of one model
    if item.originalname in TAKEOVERS:
        return item.cls.worker not in TWO_MODELS
    if not hasattr(WorkerContract, item.originalname):
        return False  # the model's own
    if item.cls.worker in WHOLE or item.originalname in IN_SHORT:
        return False
    if item.cls.worker in LIKE_OTHERS:
        return True
    return any(item.originalname in vars(part) for part in PEP_3333)


@pytest.hookimpl(tryfirst=True)
def pytest_collection():
    """Nothing that is made while tests are collected is garbage: to look for it takes a sixth."""
    gc.disable()


def pytest_collection_finish():
    """From here on no byte code is written, and the garbage collector passes over what lasts.

    A test may write a source twice within a second: its old byte code must not be taken for the
    new.  That of the tests themselves has been written by now, for the next run.  A test that
    collects would wait for what lasts each time.
    """
    os.environ["PYTHONDONTWRITEBYTECODE"] = "1"
    sys.dont_write_bytecode = True
    gc.collect()
    gc.freeze()
    gc.enable()


@pytest.hookimpl(trylast=True)
def pytest_runtest_teardown(item, nextitem):
    """What a test leaves open is found in its own file, and not in whichever comes later."""
    is_last = nextitem is None or nextitem.path != item.path
    if is_last and item.get_closest_marker("process"):
        gc.collect()


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config, log):
    from support.scheduling import ScopeScheduling

    return ScopeScheduling(config, log)


@pytest.fixture(autouse=True)
def _own_logging():
    """The server's loggers are as they were: what a test installs hides no record from another."""
    logs = [logging.getLogger(name) for name in ("hookserve", "gunicorn.error")]
    before = [(log.handlers[:], log.propagate, log.level, type(log)) for log in logs]
    level_of_root = logging.getLogger().level
    yield
    logging.disable(logging.NOTSET)
    logging.getLogger().setLevel(level_of_root)
    for log in logging.Logger.manager.loggerDict.values():
        if isinstance(log, logging.Logger):
            log.disabled = False  # by a configuration that names others
    for log, (handlers, propagate, level, kind) in zip(logs, before, strict=True):
        log.handlers = handlers  # not in place: the two may share one list
        log.propagate, log.__class__ = propagate, kind
        log.setLevel(level)


@pytest.fixture(autouse=True)
def _no_process(request):
    """Under ``--no-process``: whatever starts a process fails."""
    if request.config.getoption("--no-process"):
        _watch(request.node.nodeid)
        yield
        _watch(None)
    else:
        yield


_watched = []


def _watch(test):
    if not _watched:
        _watched.append(None)
        sys.addaudithook(_refuse_processes)
    _watched[0] = test


def _refuse_processes(event, arguments):
    if event in _STARTING and _watched[0] is not None:
        raise AssertionError(f"{event}: this test needs the marker 'process'")


def pytest_terminal_summary(terminalreporter):
    """Leave the counts for the program that runs pytest twice."""
    if path := os.environ.get(COUNTS_VARIABLE):
        stats = {name: len(found) for name, found in terminalreporter.stats.items() if name}
        failed = [
            report.nodeid
            for name in ("failed", "error")
            for report in terminalreporter.stats.get(name, [])
        ]
        Path(path).write_text(json.dumps({"counts": stats, "failed": failed}))
