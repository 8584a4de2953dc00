"""Which event loop."""

import asyncio
import importlib.util
import sys

import pytest
from hookserve_asyncio.loops import make_loop

from hookserve.errors import BootError


def kind_of(name):
    loop = make_loop(name)
    loop.close()
    return type(loop).__module__.partition(".")[0]


def test_uvloop_is_taken_where_it_is_installed():
    pytest.importorskip("uvloop")

    assert kind_of("auto") == kind_of("uvloop") == "uvloop"


def test_the_standard_librarys_is_taken_where_uvloop_is_not(monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)

    assert kind_of("auto") == kind_of("asyncio") == asyncio.__name__


def test_uvloop_that_is_not_installed_is_one_line(monkeypatch):
    monkeypatch.setitem(sys.modules, "uvloop", None)

    with pytest.raises(BootError, match="pip install uvloop"):
        make_loop("uvloop")
