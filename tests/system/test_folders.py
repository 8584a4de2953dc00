"""Root is led by no other user's link into a folder that is not that user's."""

import errno
import os
import stat

import pytest

from hookserve.system.folders import open_file, open_folder

FLAGS = os.O_WRONLY | os.O_CREAT | os.O_APPEND
ADA, EVE = 65533, 65534

as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root could be led astray")


def write(path, text="a line\n"):
    descriptor = open_file(str(path), FLAGS, 0o644)
    os.write(descriptor, text.encode())
    os.close(descriptor)


def folder_of(path):
    descriptor = open_folder(str(path))
    status = os.fstat(descriptor)
    os.close(descriptor)
    return status.st_dev, status.st_ino


def make(path, owner=0, mode=0o755):
    path.mkdir()
    path.chmod(mode)
    os.chown(path, owner, -1)
    return path


def link(path, target, owner=0):
    path.symlink_to(target)
    os.lchown(path, owner, -1)
    return path


def is_same(path, found):
    status = path.stat()
    return (status.st_dev, status.st_ino) == found


def assert_refused(call, path):
    with pytest.raises(OSError, match="symbolic link of another user") as caught:
        call(path)
    assert caught.value.errno == errno.ELOOP


@pytest.mark.parametrize("is_relative", [False, True])
def test_a_file_is_made_where_the_path_says(tmp_path, monkeypatch, is_relative):
    monkeypatch.chdir(tmp_path)
    make(tmp_path / "logs")

    write("logs/../logs//./log" if is_relative else tmp_path / "logs" / "log")

    assert (tmp_path / "logs" / "log").read_text() == "a line\n"
    assert stat.S_IMODE((tmp_path / "logs" / "log").stat().st_mode) & 0o600 == 0o600
    assert is_same(tmp_path / "logs", folder_of("logs"))


@pytest.mark.parametrize("target", ["real", "../{name}/real", "{path}/real"])
def test_links_of_root_are_followed(tmp_path, target):
    real = make(tmp_path / "real")
    text = target.format(name=tmp_path.name, path=tmp_path)
    link(tmp_path / "second", text)
    link(tmp_path / "first", "second")

    write(tmp_path / "first" / "log")

    assert (real / "log").exists()
    assert is_same(real, folder_of(tmp_path / "first"))


def test_what_is_missing_is_not_there(tmp_path):
    for call in (write, folder_of):
        with pytest.raises(FileNotFoundError):
            call(tmp_path / "missing" / "log")
    write(tmp_path / "log")
    with pytest.raises(NotADirectoryError):
        write(tmp_path / "log" / "log")


def test_a_circle_of_links_ends(tmp_path):
    link(tmp_path / "one", "two")
    link(tmp_path / "two", "one")

    with pytest.raises(OSError, match="Too many levels of symbolic links"):
        write(tmp_path / "one")


@as_root
def test_a_folder_above_that_another_user_replaced_by_a_link_is_refused(tmp_path):
    """CVE-2016-1247's class: the folder of the log, and not the log itself, is exchanged."""
    secret = make(tmp_path / "cron.d")
    site = make(tmp_path / "site", EVE)
    link(site / "logs", secret, EVE)

    assert_refused(write, site / "logs" / "log")
    assert_refused(folder_of, site / "logs")
    assert list(secret.iterdir()) == []


@as_root
def test_a_user_may_link_to_folders_of_the_same_user(tmp_path):
    """As deployments do: `current` is a link to a release."""
    site = make(tmp_path / "site", EVE)
    release = make(site / "release", EVE)
    for name, target in (("current", "release"), ("absolute", release)):
        link(site / name, target, EVE)

        write(site / name / "log", name)

    assert (release / "log").read_text() == "currentabsolute"


@as_root
@pytest.mark.parametrize("owner", [0, ADA])
def test_a_users_link_leads_to_no_file_of_another_one(tmp_path, owner):
    other, site = make(tmp_path / "other", owner), make(tmp_path / "site", EVE)
    link(site / "log", other / "log", EVE)

    assert_refused(write, site / "log")


@as_root
def test_a_link_of_root_may_have_been_moved_in_another_users_folder(tmp_path):
    secret, site = make(tmp_path / "secret"), make(tmp_path / "site", EVE)
    link(site / "logs", secret)

    assert_refused(write, site / "logs" / "log")


@as_root
def test_in_a_folder_where_every_user_may_rename_no_link_is_followed(tmp_path):
    common, target = make(tmp_path / "common", mode=0o777), make(tmp_path / "target")
    link(common / "logs", target)

    assert_refused(write, common / "logs" / "log")
    common.chmod(0o1777)
    write(common / "logs" / "log")


@as_root
def test_a_real_folder_of_another_user_is_entered(tmp_path):
    site = make(tmp_path / "site", EVE)
    logs = make(site / "logs")

    write(logs / "log")

    assert (logs / "log").exists()


def test_a_link_to_a_descriptor_is_opened(tmp_path):
    reading, writing = os.pipe()
    link(tmp_path / "out", f"/proc/self/fd/{writing}")
    for path in (tmp_path / "out", f"/dev/fd/{writing}"):
        write(path, "x")

    assert os.read(reading, 10) == b"xx"
    os.close(reading)
    os.close(writing)


def test_no_descriptor_is_left_open(tmp_path):
    make(tmp_path / "real")
    link(tmp_path / "link", "real")
    before = os.listdir("/proc/self/fd")

    write(tmp_path / "link" / "log")
    folder_of(tmp_path / "link")
    with pytest.raises(FileNotFoundError):
        write(tmp_path / "missing" / "log")

    assert os.listdir("/proc/self/fd") == before
