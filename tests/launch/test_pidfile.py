"""The pidfile."""

import os
import subprocess
import sys

import pytest

from hookserve.errors import ConfigError
from hookserve.launch.pidfile import Pidfile


def test_the_id_is_written_and_removed(tmp_path):
    pidfile = Pidfile(str(tmp_path / "pid"))

    pidfile.create()

    assert (tmp_path / "pid").read_text() == f"{os.getpid()}\n"
    assert (tmp_path / "pid").stat().st_mode & 0o777 == 0o644
    pidfile.remove()
    assert list(tmp_path.iterdir()) == []


@pytest.mark.process
def test_the_file_of_a_living_process_is_refused(tmp_path):
    path = tmp_path / "pid"
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as other:
        path.write_text(str(other.pid))

        with pytest.raises(ConfigError, match=f"belongs to the running process {other.pid}"):
            Pidfile(str(path)).create()


@pytest.mark.parametrize("content", ["", "garbage", "999999999", "-1", "0", "9" * 40])
def test_a_stale_file_is_replaced(tmp_path, content):
    path = tmp_path / "pid"
    path.write_text(content)

    Pidfile(str(path)).create()

    assert path.read_text() == f"{os.getpid()}\n"


def test_anothers_file_is_left_alone(tmp_path):
    path = tmp_path / "pid"
    pidfile = Pidfile(str(path))
    pidfile.create()
    path.write_text("1\n")

    pidfile.remove()

    assert path.exists()


def test_a_renamed_file_is_removed_by_its_new_name(tmp_path):
    pidfile = Pidfile(str(tmp_path / "pid"))
    pidfile.create()

    pidfile.rename(str(tmp_path / "pid.2"))

    assert [each.name for each in tmp_path.iterdir()] == ["pid.2"]
    pidfile.remove()
    assert list(tmp_path.iterdir()) == []


def test_a_missing_directory_is_said(tmp_path):
    with pytest.raises(ConfigError, match="no such file or directory"):
        Pidfile(str(tmp_path / "no" / "pid")).create()


def test_a_file_that_is_left_to_a_successor_stays(tmp_path):
    pidfile = Pidfile(str(tmp_path / "pid"))
    pidfile.create()

    pidfile.leave()
    pidfile.remove()

    assert (tmp_path / "pid").exists()
