"""Tests wait for conditions.  A function that sleeps is listed here, with its reason."""

import ast

from tests.support.tree import ROOT, modules_in

FOLDERS = ("tests", "hookserve/testing", "examples/hookserve-*", "plugins/*/tests")

SLOW_APPLICATION = "an application that is slow"
SLEEPERS = {
    # What waits for conditions.
    "hookserve/testing/waiting.py": {"wait_until": "the pause between two looks"},
    "hookserve/testing/kernel.py": {"_pause": "systems whose kernel does not say"},
    "hookserve/testing/suspending.py": {"suspend": "systems whose kernel does not say"},
    "hookserve/testing/contract/responses.py": {"closes": "the pause between two requests"},
    "tests/chaos/driver.py": {"_listen": "the pause between two looks"},
    "tests/image/shop.py": {"application": "a request as slow as it asks for"},
    "tests/image/proxy.py": {"deploy": "the interval of the health checks"},
    "tests/roll/hosts.py": {"wait_for": "the pause between two looks"},
    "tests/scrape/recycling.py": {"looks": "the pause between two looks"},
    # Applications and hooks.
    "hookserve/testing/contract/application.py": {
        "_overlapping": SLOW_APPLICATION,
        "_sleep": SLOW_APPLICATION,
    },
    "hookserve/testing/contract/recorder.py": {
        "worker_idle": "a listener that blocks: it is not called in the hub of an event library"
    },
    "plugins/gevent/tests/test_worker.py": {
        "test_a_client_that_floods_its_body_disturbs_no_other": (
            "pieces that are events of their own; the processor time of half a second"
        ),
    },
    "plugins/gthread/tests/test_worker.py": {"application": SLOW_APPLICATION},
    "tests/support/endless_application.py": {
        "events": SLOW_APPLICATION,
        "__iter__": SLOW_APPLICATION,
    },
    "tests/support/forking_applications.py": {"end": "a child that does not end"},
    "tests/screenshots/__main__.py": {"export": "the pause between two requests"},
    "tests/screenshots/application.py": {"application": SLOW_APPLICATION},
    "tests/support/applications.py": {"busy": SLOW_APPLICATION},
    "tests/support/green_applications.py": {"respond": SLOW_APPLICATION},
    # Clients and signals whose times are what is tested.
    "hookserve/testing/contract/client.py": {"_run": "a server that is gone is asked slowly"},
    "hookserve/testing/contract/life.py": {
        "test_a_storm_of_signals_is_survived_without_a_lost_request": "a storm, not one signal"
    },
    "hookserve/testing/contract/limits.py": {
        "_keep": "each connection is idle for longer than the next",
        "test_a_large_download_is_sent_in_bounded_memory": "a reader that begins late",
        "test_a_large_file_is_sent_as_declared": "a reader that begins late",
    },
    "plugins/reload/tests/test_reloader.py": {
        "seconds_to_serve": "a person who saves a file again"
    },
    "plugins/status/tests/test_http_server.py": {
        "test_an_idle_connection_does_not_wake_the_process": "nothing is to happen meanwhile",
        "test_what_comes_in_pieces_or_at_once_is_answered_in_order": "the pause between two pieces",
    },
    "plugins/tornado/tests/test_native.py": {"drip": "the pause between two bytes of a body"},
    "tests/chaos/faults.py": {"held_machine": "a machine that is suspended"},
    "tests/chaos/test_chaos.py": {"serve": "a server that is slow"},
    "tests/integration/test_gunicorn_regressions.py": {
        "test_no_other_signal_shortens_the_time_between_abort_and_kill": "a storm, not one signal"
    },
}


def calls_of_sleep(tree, function="the module"):
    """The function around each call of `time.sleep`, by whatever name it goes."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            yield from calls_of_sleep(node, node.name)
        else:
            if isinstance(node, ast.Call) and ast.unparse(node.func) in ("sleep", "time.sleep"):
                yield function
            yield from calls_of_sleep(node, function)


def sleepers():
    found = {}
    for path in modules_in(*FOLDERS):
        if functions := set(calls_of_sleep(ast.parse(path.read_text()))):
            found[path.relative_to(ROOT).as_posix()] = functions
    return found


def test_only_the_listed_functions_sleep():
    assert sleepers() == {path: set(functions) for path, functions in SLEEPERS.items()}


def test_calls_are_found_in_nested_functions_and_at_top_level():
    source = (
        "time.sleep(1)\nclass A:\n  def b(self):\n    def c(): return sleep(2)\n    time.sleep(x)\n"
        "def d(): asleep(); a.sleep()\n"
    )

    assert list(calls_of_sleep(ast.parse(source))) == ["the module", "c", "b"]
