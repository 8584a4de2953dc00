"""The application that is preloaded at a start, and the one of a program."""

import os
import sys

import pytest
from support.installed import install
from support.starting import SERVES_ON, application, asgi, assembly_of, run

from hookserve.arbiter.handover import Handover
from hookserve.arbiter.preparation import load_serving_classes
from hookserve.config.resolved import SettingsSource
from hookserve.errors import AppNotFound, HookserveError
from hookserve.launch.embedded import Embedded
from hookserve.launch.start import patch_early, preload, prepare


def test_a_preloaded_application_is_that_of_the_generation(life, patches, monkeypatch):
    monkeypatch.setenv("HOOKSERVE_TEST", "before")  # what is set is restored, what is absent is not
    found = []

    def record(name):
        if name == "load_app":
            found.append((os.environ["HOOKSERVE_TEST"], list(patches)))
        if name == "run":
            found.append(life.arbiter.current.app)

    life.record = record

    run(life, preload_app=True, raw_env=["HOOKSERVE_TEST=1"])

    assert found == [("1", ["sync"]), application]


def test_without_preloading_the_arbiter_loads_nothing(life, patches):
    run(life)

    assert "load_app" not in life.calls
    assert patches == []


def test_an_application_of_another_interface_ends_the_start(life, patches):
    life.app = asgi

    message = "shop:app is an ASGI application, which the worker sync does not run"
    with pytest.raises(AppNotFound, match=message):
        run(life, preload_app=True, wsgi_app="shop:app", worker_class="sync")

    assert "open_listeners" not in life.calls


def test_a_preloaded_application_that_fails_does_not_end_workers_that_serve_on(
    life, log, patches, restored
):
    life.errors["load_app"] = AppNotFound("there is no module shop")

    run(life, SERVES_ON, preload_app=True)

    assert life.arbiter.current.app is None
    assert "the application cannot be preloaded: there is no module shop" in log.messages


def test_what_is_preloaded_for_a_check_is_returned(life, patches):
    made = assembly_of(life)

    assert preload(made, load_serving_classes(made.host, made.config)) is application


@pytest.mark.parametrize(("settings", "patched"), [({}, []), ({"preload_app": True}, ["sync"])])
def test_a_model_patches_early_where_the_arbiter_will_preload(life, patches, settings, patched):
    made = assembly_of(life, **settings)

    patch_early(made.host, made.config)

    assert patches == patched


def test_what_a_program_gives_can_be_assembled_again(life, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    source = SettingsSource("shop", {"wsgi_app": "shop:app", "workers": 3, "when_ready": print})

    made = prepare((), {"A": "b"}, Embedded(source))

    assert made.assembly.config.workers == 3
    assert made.assembly.config.origin("workers") == "shop"
    assert (made.start.directory, made.start.environ) == (str(tmp_path), {"A": "b"})
    assert made.handover == Handover()
    os.chdir("/")
    assert made.reassemble().config.workers == 3
    assert os.getcwd() == str(tmp_path)


@pytest.mark.parametrize(
    ("text", "refused"),
    [
        ("plugins = ['zebra']", "failed to load"),
        ("plugin_errors = 'fail'", "failed to load"),
        ("strict = true\nmemory_interval = 3", "refused by --strict"),
        ("memory_interval = 3", ""),
    ],
)
def test_a_reload_says_what_a_start_would_say_of_plugins_and_settings(folder, log, text, refused):
    made = prepare(("shop:app",), {})
    install(folder, "zoo", {"zebra": "zebra_under_test"}, {"zebra_under_test.py": "1 / 0"})
    (folder / "hookserve.toml").write_text(text)

    if refused:
        with pytest.raises(HookserveError, match=refused):
            made.reassemble()
        return
    assert made.reassemble().config.memory_interval == 3
    failure, warning = log.messages
    assert failure.startswith("plugin 'zebra' (zoo 1.0, entry point zebra = zebra_under_test)")
    assert warning.startswith("memory_interval (hookserve.toml): it has no effect without")
