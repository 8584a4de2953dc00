"""Where the files are, and to whom the directory belongs."""

import os

import pytest
from hookserve_prometheus import directory

from hookserve.errors import ConfigError


def test_the_operators_directory_is_used_and_the_servers_own_is_not_taken_for_it(
    tmp_path, monkeypatch
):
    monkeypatch.setattr(directory, "_made", {os.getpid(): "/own"})
    environ = {directory.VARIABLE: str(tmp_path / "new")}
    named = directory.find_named(environ, ())

    assert directory.open_directory(named, None) == str(tmp_path / "new")
    assert (tmp_path / "new").is_dir()
    assert directory.find_named(environ, [f"{directory.VARIABLE}=/of/raw_env"]) == "/of/raw_env"
    assert directory.find_named({directory.VARIABLE: "/own"}, ()) is None


def test_a_directory_that_cannot_be_made_is_named(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(ConfigError, match=r"prometheus_client: cannot make .*file"):
        directory.open_directory(str(tmp_path / "file" / "below"), None)


def test_an_arbiter_that_is_executed_again_goes_on_with_its_own_and_a_successor_does_not(
    tmp_path, monkeypatch
):
    monkeypatch.setattr(directory, "_made", {})
    monkeypatch.setattr(directory.atexit, "register", lambda *_: None)
    monkeypatch.setenv(directory.HANDED_ON, f"{os.getpid()}:{tmp_path}")
    assert directory.open_directory(None, None) == str(tmp_path)
    assert directory.describe_own() == f"{os.getpid()}:{tmp_path}"

    monkeypatch.setattr(directory, "_made", {})
    monkeypatch.setenv(directory.HANDED_ON, f"{os.getppid()}:{tmp_path}")
    found = directory.open_directory(None, None)
    assert found != str(tmp_path)
    os.rmdir(found)
