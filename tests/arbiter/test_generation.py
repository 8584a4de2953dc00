"""A generation, and what of the process follows it."""

import os
import sys

from support.fake_arbiter import FakeListener, serving

from hookserve.arbiter.generation import ProcessPaths


def test_paths_take_effect_and_are_taken_back(tmp_path, monkeypatch):
    monkeypatch.setattr(sys, "path", list(sys.path))
    before = ProcessPaths.current()
    try:
        ProcessPaths(str(tmp_path), ("/one", "/two")).take_effect()
        assert os.getcwd() == str(tmp_path)
        assert sys.path == ["/one", "/two"]
    finally:
        before.take_effect()

    assert ProcessPaths.current() == before


def test_a_directory_that_is_gone_leaves_the_process_where_it_is(monkeypatch):
    monkeypatch.setattr(sys, "path", list(sys.path))
    here = os.getcwd()

    ProcessPaths("/no/such/directory", tuple(sys.path)).take_effect()

    assert os.getcwd() == here


def test_a_generation_names_the_listeners_that_another_lacks():
    with serving(workers=1) as server:
        current = server.arbiter.current
        added = FakeListener("127.0.0.1:9000")
        new = current._replace(listeners=(*current.listeners, added))

        assert new.listeners_not_in(current) == [added]
        assert current.listeners_not_in(new) == []
        assert new.listeners_not_in(None) == list(new.listeners)
