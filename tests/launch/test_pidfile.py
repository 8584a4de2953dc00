"""The pidfile."""

import contextlib
import errno
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


@contextlib.contextmanager
def owner_of(path):
    """Another process that has the pidfile."""
    code = (
        "import sys; from hookserve.launch.pidfile import Pidfile; p = Pidfile(sys.argv[1]);"
        " p.create(); print('done', flush=True); input()"
    )
    command = [sys.executable, "-c", code, str(path)]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.DEVNULL}
    with subprocess.Popen(command, **pipes) as other:
        assert other.stdout.readline() == b"done\n"
        yield other


@pytest.mark.process
def test_the_file_of_a_living_process_is_refused(tmp_path):
    path = tmp_path / "pid"
    with owner_of(path) as other:
        with pytest.raises(ConfigError, match=f"belongs to the running process {other.pid}"):
            Pidfile(str(path)).create()


@pytest.mark.parametrize("content", ["", "garbage", "999999999", "-1", "0", "9" * 40])
def test_a_stale_file_is_replaced(tmp_path, content):
    path = tmp_path / "pid"
    path.write_text(content)

    Pidfile(str(path)).create()

    assert path.read_text() == f"{os.getpid()}\n"


def test_no_other_user_may_write_the_file(tmp_path, monkeypatch):
    pidfile = Pidfile(str(tmp_path / "pid"))
    before = os.umask(0)
    try:
        pidfile.create()
    finally:
        os.umask(before)

    found = (tmp_path / "pid").stat()
    assert (found.st_uid, found.st_mode & 0o022) == (os.geteuid(), 0)
    pidfile.remove()


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

    pidfile.keep_for_successor()
    pidfile.remove()

    assert (tmp_path / "pid").exists()


@pytest.mark.process
def test_a_number_that_was_given_to_another_process_blocks_no_start(tmp_path):
    path = tmp_path / "pid"
    path.write_text(f"{os.getppid()}\n")

    Pidfile(str(path)).create()

    assert path.read_text() == f"{os.getpid()}\n"


@pytest.mark.process
def test_the_file_of_a_killed_server_is_replaced(tmp_path):
    path = tmp_path / "pid"
    with owner_of(path) as other:
        other.kill()
    assert path.exists()

    Pidfile(str(path)).create()


def test_what_is_not_a_regular_file_is_refused_at_once(tmp_path):
    path = tmp_path / "pid"
    os.mkfifo(path)

    with pytest.raises(ConfigError, match="is not a regular file"):
        Pidfile(str(path)).create()

    assert [each.name for each in tmp_path.iterdir()] == ["pid"]


def test_a_full_disk_leaves_no_file(tmp_path, monkeypatch):
    def write(descriptor, data):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "write", write)

    with pytest.raises(ConfigError, match="no space left on device"):
        Pidfile(str(tmp_path / "pid")).create()

    assert list(tmp_path.iterdir()) == []


def test_a_symbolic_link_is_replaced_and_its_target_stays(tmp_path):
    target = tmp_path / "precious"
    target.write_text("precious")
    (tmp_path / "pid").symlink_to(target)

    Pidfile(str(tmp_path / "pid")).create()

    assert target.read_text() == "precious"
    assert not (tmp_path / "pid").is_symlink()


@pytest.mark.process
def test_a_start_that_was_refused_does_not_remove_the_file(tmp_path):
    path = tmp_path / "pid"
    with owner_of(path) as other:
        refused = Pidfile(str(path))
        with pytest.raises(ConfigError):
            refused.create()

        refused.remove()

        assert path.read_text() == f"{other.pid}\n"


@pytest.mark.process
def test_of_several_starts_one_gets_the_file(tmp_path):
    path = tmp_path / "pid"
    path.write_text("999999999\n")
    code = (
        "import sys; from hookserve.launch.pidfile import Pidfile; p = Pidfile(sys.argv[1])\n"
        "sys.stdin.readline()\n"
        "try: p.create()\n"
        "except Exception as error: print('refused', flush=True)\n"
        "else: print('made', flush=True); sys.stdin.readline()\n"
    )
    command = [sys.executable, "-c", code, str(path)]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    starts = [subprocess.Popen(command, **pipes) for _ in range(4)]
    try:
        for each in starts:
            each.stdin.write(b"go\n")
            each.stdin.flush()
        outcomes = [each.stdout.readline() for each in starts]
    finally:
        for each in starts:
            each.communicate()

    assert sorted(outcomes) == [b"made\n", b"refused\n", b"refused\n", b"refused\n"]


@pytest.mark.process
def test_a_process_that_executes_again_keeps_its_file(tmp_path):
    path = tmp_path / "pid"
    before = Pidfile(str(path))
    before.create()
    (inherited,) = before.descriptors()

    after = Pidfile(str(path), inherited)
    after.create()

    with pytest.raises(OSError, match="Bad file descriptor"):
        os.fstat(inherited)
    after.remove()
    assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(os.geteuid() != 0, reason="only root could be led astray")
def test_the_folder_above_cannot_be_exchanged_for_a_link_of_another_user(tmp_path):
    secret, site = tmp_path / "secret", tmp_path / "site"
    secret.mkdir()
    (site / "run").mkdir(parents=True)
    os.chown(site, 65534, -1)
    pidfile = Pidfile(str(site / "run" / "pid"))
    pidfile.create()
    (secret / "pid").write_text(f"{os.getpid()}\n")
    (site / "run").rename(site / "old")
    (site / "run").symlink_to(secret)
    os.lchown(site / "run", 65534, -1)

    with pytest.raises(ConfigError, match=r"symbolic link of another user"):
        Pidfile(str(site / "run" / "pid")).create()
    with pytest.raises(OSError, match="symbolic link of another user"):
        pidfile.rename(str(site / "run" / "other"))
    pidfile.remove()

    assert [path.name for path in secret.iterdir()] == ["pid"]
