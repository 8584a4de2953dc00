"""The server's log cannot be lost."""

import json
import logging
import logging.config
import os
import pwd
import signal
import tempfile
from pathlib import Path

import pytest
from hookserve_logging.errorlog import (
    NAME,
    Installation,
    JsonFormatter,
    ReopeningHandler,
    TextFormatter,
)
from hookserve_logging.files import Owner, open_log, owner_for

from hookserve.errors import ConfigError
from hookserve.testing import serve, wait_until
from hookserve.testing.contract.client import ask
from hookserve.testing.fakes import configure

APPLICATION = """
import logging.config
logging.config.dictConfig({"version": 1, "root": {"level": "INFO"}})

def application(environ, start_response):
    if environ["PATH_INFO"] == "/boom":
        raise ValueError("boom")
    start_response("200 OK", [("Content-Length", "2")])
    return [b"ok"]
"""

as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root runs workers as another user")


@pytest.fixture
def site(tmp_path):
    (tmp_path / "app.py").write_text(APPLICATION)
    return tmp_path


@pytest.fixture
def open_site():
    """A site in a folder that every user may enter, which pytest's are not."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder)
        path.chmod(0o755)
        (path / "app.py").write_text(APPLICATION)
        yield path


@pytest.fixture
def installed(tmp_path):
    installation = Installation(configure({"errorlog": str(tmp_path / "log")}))
    installation.install()
    yield tmp_path / "log"
    installation.close()


def test_a_configuration_of_the_application_does_not_switch_the_log_off(installed):
    logging.config.dictConfig({"version": 1})

    logging.getLogger(NAME).error("still here")

    assert "still here" in installed.read_text()


@pytest.mark.process
@pytest.mark.parametrize("preload", [False, True])
def test_a_failure_is_logged_whatever_the_application_does_to_logging(site, preload):
    with serve("app", chdir=site, settings={"preload_app": preload}) as server:
        assert ask(server.address, "/boom").status == 500

        wait_until(lambda: "ValueError: boom" in server.log)


@pytest.mark.process
def test_a_configuration_in_json_does_not_switch_the_log_off(site):
    table = {
        "version": 1,
        "handlers": {"console": {"class": "logging.StreamHandler"}},
        "root": {"handlers": ["console"], "level": "INFO"},
    }
    (site / "log.json").write_text(json.dumps(table))
    with serve("app", chdir=site, arguments=["--log-config-json", "log.json"]) as server:
        wait_until(lambda: "listening on" in server.log)
        wait_until(lambda: "ready" in server.log)


@pytest.mark.process
@as_root
def test_after_a_rotation_workers_of_another_user_write_to_the_new_files(open_site):
    site = open_site
    access, error = site / "access.log", site / "error.log"
    arguments = ["--access-logfile", str(access), "--error-logfile", str(error)]
    settings = {"user": "nobody", "preload_app": True}
    with serve("app", chdir=site, settings=settings, arguments=arguments) as server:
        for path in (access, error):
            path.rename(f"{path}.1")
        server.signal(signal.SIGUSR1)
        wait_until(lambda: access.exists() and error.exists())

        def new_files_are_used():
            ask(server.address, "/after")
            ask(server.address, "/boom")
            return "/after" in access.read_text() and "boom" in error.read_text()

        wait_until(new_files_are_used)
        assert access.stat().st_uid == pwd.getpwnam("nobody").pw_uid


def test_a_file_that_cannot_be_opened_again_is_logged_and_the_old_one_stays(tmp_path):
    folder = tmp_path / "folder"
    folder.mkdir()
    handler = ReopeningHandler(str(folder / "log"))
    logger = logging.getLogger(NAME)
    logger.addHandler(handler)
    try:
        (folder / "log").rename(tmp_path / "log")
        folder.rmdir()

        handler.reopen()

        assert "the old file stays in use" in (tmp_path / "log").read_text()
    finally:
        logger.removeHandler(handler)
        handler.close_file()


def formatted(formatter, *lines, error=None):
    record = logging.LogRecord(NAME, logging.ERROR, "", 0, "\n".join(lines), None, None)
    if error is not None:
        record.exc_info = (type(error), error, None)
    return formatter.format(record)


FORGED = "[2026-01-31 12:00:00 +0000] [1] [CRITICAL] forged"


@pytest.mark.parametrize("separator", ["\n", "\r", "\v", "\x85", "\u2028", "\u2029"])
def test_no_text_of_an_exception_can_pass_for_a_record(separator):
    error = ValueError(f"no{separator}{FORGED}")

    text = formatted(TextFormatter(), "error handling GET /", error=error)

    first, *others = text.splitlines()
    assert first.endswith("error handling GET /")
    assert not [line for line in others if line.startswith("[")]
    assert "CRITICAL] forged" in text


def test_what_a_terminal_would_act_on_is_visible_in_the_error_log():
    text = formatted(TextFormatter(), "a\x1b[2J\u202eb", "\tc\x07")

    assert text.endswith("a\\x1b[2J\\u202eb\n\tc\\x07")


def test_a_record_of_the_error_log_in_json_is_one_line():
    text = formatted(JsonFormatter(), "a\u202e", FORGED, error=ValueError(f"\u2028{FORGED}"))

    assert text.isascii()
    assert text.isprintable()


def test_the_owner_is_the_workers_account():
    entry = pwd.getpwnam("nobody")

    assert owner_for(configure({"user": "nobody"})) == Owner(entry.pw_uid, entry.pw_gid)
    assert owner_for(configure({"user": "12345", "group": "7"})) == Owner(12345, 7)
    assert owner_for(configure({})) == Owner()


def test_a_log_is_appended_to(tmp_path):
    path = tmp_path / "log"
    path.write_text("before\n")

    descriptor = open_log("errorlog", str(path), Owner())
    os.write(descriptor, b"after\n")
    os.close(descriptor)

    assert path.read_text() == "before\nafter\n"


@as_root
@pytest.mark.parametrize("kind", ["symbolic", "hard"])
def test_a_link_of_the_workers_user_leads_to_no_other_file(tmp_path, kind):
    """The owner of a log's directory does not choose which file root opens and gives away."""
    nobody = pwd.getpwnam("nobody").pw_uid
    secret, folder = tmp_path / "secret", tmp_path / "logs"
    secret.write_text("secret\n")
    folder.mkdir()
    path = folder / "log"
    if kind == "symbolic":
        path.symlink_to(secret)
        os.chown(path, nobody, -1, follow_symlinks=False)
    else:
        path.hardlink_to(secret)
    os.chown(folder, nobody, -1)

    with pytest.raises(ConfigError, match="errorlog: "):
        os.close(open_log("errorlog", str(path), Owner(nobody, nobody)))

    assert secret.stat().st_uid == 0
    assert secret.read_text() == "secret\n"


@as_root
def test_what_is_not_a_regular_file_keeps_its_owner(tmp_path):
    """Among others /dev/null."""
    path = tmp_path / "log"
    os.mkfifo(path)
    reader = os.open(path, os.O_RDONLY | os.O_NONBLOCK)

    os.close(open_log("errorlog", str(path), Owner(1, 1)))
    os.close(reader)

    assert path.stat().st_uid == 0


@as_root
def test_a_link_of_root_is_followed(tmp_path):
    path = tmp_path / "log"
    path.symlink_to("target")

    os.close(open_log("errorlog", str(path), Owner()))

    assert (tmp_path / "target").exists()


@pytest.mark.parametrize("mask", [0o022, 0o077])
def test_a_log_has_the_mode_that_the_umask_leaves(tmp_path, mask):
    before = os.umask(mask)
    try:
        os.close(open_log("errorlog", str(tmp_path / "log"), Owner()))
    finally:
        os.umask(before)

    assert (tmp_path / "log").stat().st_mode & 0o777 == 0o644 & ~mask
