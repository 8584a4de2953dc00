"""Errors and names in words."""

import importlib
import sys

import pytest

from hookserve.errors import ConfigError
from hookserve.wording import (
    counted,
    describe,
    did_you_mean,
    exception_in,
    indented,
    nearest,
    one_line,
    split_remedy,
)


def test_an_exception_is_described_with_its_place():
    try:
        raise KeyError("a")
    except KeyError as error:
        assert describe(error).startswith("KeyError: 'a' at ")
        assert "test_wording.py:" in describe(error)


def test_the_import_system_is_not_the_place():
    with pytest.raises(ModuleNotFoundError) as caught:
        importlib.import_module("nosuch_module")

    assert "test_wording.py:" in describe(caught.value)


def test_a_finder_is_not_the_place(monkeypatch):
    class Finder:
        @staticmethod
        def find_spec(name, path=None, target=None):
            raise ModuleNotFoundError(f"no {name} here")

    monkeypatch.setattr(sys, "meta_path", [Finder])
    with pytest.raises(ModuleNotFoundError) as caught:
        import nothing_like_this  # noqa: F401

    assert describe(caught.value).startswith(
        f"ModuleNotFoundError: no nothing_like_this here at {__file__}:"
    )


def test_an_error_of_ours_is_its_message():
    assert describe(ConfigError("workers: expected a number")) == "workers: expected a number"


def test_a_description_is_one_line():
    assert describe(ValueError("a\n  b")) == "ValueError: a b"
    assert describe(ValueError()) == "ValueError"


def test_a_description_moves_no_cursor():
    assert describe(ValueError("\x1b[2J\u202eb\u2028c")) == "ValueError: ?[2J?b c"


def test_a_syntax_error_is_described_with_the_place_of_the_mistake():
    with pytest.raises(SyntaxError) as caught:
        compile("x = (", "shop.py", "exec")

    assert describe(caught.value) == "SyntaxError: '(' was never closed at shop.py:1"


SETTINGS = ("bind", "config", "env", "keyfile", "pid", "preload_app", "reload", "reload_engine")
MORE_SETTINGS = ("timeout", "wsgi_app", "worker_class", "workers", "write_timeout")
FLAGS = ["-w", *(f"--{each}".replace("_", "-") for each in (*SETTINGS, *MORE_SETTINGS))]
VARIABLES = [f"HOOKSERVE_{each.upper()}" for each in (*SETTINGS, *MORE_SETTINGS)]


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("wrokers", "workers"),
        ("workers", "workers"),
        ("WORKERS", "workers"),
        ("workerclass", "worker_class"),
        ("bnid", "bind"),
        ("worker", "workers"),
        ("preload", "preload_app"),
        ("reload_enginne", "reload_engine"),
        ("reload_dir", "reload"),
        ("configuration", "config"),
        ("ssl_keyfile", "keyfile"),
        ("worker_timeout", "timeout"),
    ],
)
def test_the_nearest_name_is_found(name, expected):
    assert nearest(name, [*SETTINGS, *MORE_SETTINGS]) == expected


@pytest.mark.parametrize("name", ["zzz", "x", "id", "uid", "wrong", "port", "find", "test", "os"])
def test_a_name_that_is_not_near_is_not_suggested(name):
    assert nearest(name, [*SETTINGS, *MORE_SETTINGS]) is None
    assert nearest(f"--{name}", FLAGS) is None
    assert nearest(f"HOOKSERVE_{name.upper()}", VARIABLES) is None


def test_what_all_flags_and_variables_have_in_front_makes_none_near():
    assert nearest("--preload", FLAGS) == "--preload-app"
    assert nearest("HOOKSERVE_PRELOAD", VARIABLES) == "HOOKSERVE_PRELOAD_APP"
    assert nearest("HOOKSERVE_WROKERS", VARIABLES) == "HOOKSERVE_WORKERS"


def test_the_nearest_name_is_offered_as_a_phrase():
    assert did_you_mean("bnid", ["bind"]) == " (did you mean 'bind'?)"
    assert did_you_mean("zzz", ["bind"]) == ""


def test_a_text_of_a_worker_is_one_line_of_bounded_length():
    assert one_line("too\nlarge\t\x1b[2J") == "too large ?[2J"
    assert len(one_line("x" * 10_000)) == 200


def test_no_line_of_a_text_can_pass_for_a_record():
    text = indented("Traceback:\n[2026-11-28] [1] [CRITICAL] forged\r\x1b[2J\ud800")

    assert text == "Traceback:\n  [2026-11-28] [1] [CRITICAL] forged\n  ?[2J?"
    assert len(indented("x" * 100_000)) == 1 << 16


def test_one_thing_is_no_plural():
    found = [counted(number, "worker") for number in (0, 1, 2)]

    assert found == ["0 workers", "1 worker", "2 workers"]


@pytest.mark.parametrize(
    ("line", "text", "remedy"),
    [
        ("all is well", "all is well", ""),
        ("user (file): root (name another)", "user (file): root", "name another"),
        ("a (b): c (do (d) or e)", "a (b): c", "do (d) or e"),
        (")", ")", ""),
    ],
)
def test_a_remedy_is_what_stands_in_parentheses_at_the_end(line, text, remedy):
    assert split_remedy(line) == (text, remedy)


TRACEBACK = """cannot import shop
  Traceback (most recent call last):
    File "/srv/shop.py", line 3, in <module>
      settings()
  {}"""


@pytest.mark.parametrize(
    ("report", "exception"),
    [
        (TRACEBACK.format("ValueError: x"), "ValueError: x"),
        (
            TRACEBACK.format("E: 2 errors\n  a\n      b\n    see https://x"),
            "E: 2 errors a b see https://x",
        ),
        ('raised\n  File "a.py", line 1\n    (\n    ^\nSyntaxError: slip', "SyntaxError: slip"),
        ("the dry run has ended: killed (SIGSEGV)\nloading", "loading"),
        ("one line", "one line"),
        ("", ""),
    ],
)
def test_the_exception_of_a_report_is_its_type_and_its_whole_message(report, exception):
    assert exception_in(report) == exception
