"""The same in a terminal: a real one, whose screen is read."""

import curses
import os
import pty
import re
import select
import signal
import sys
import time
from contextlib import contextmanager
from types import SimpleNamespace

import pytest
from hookserve_status import top
from hookserve_status.address import check
from hookserve_status.client import StatusClient, Unreachable
from hookserve_status.snapshot import Source
from hookserve_status.top import Top

from hookserve import UsageError
from hookserve.testing import serve, wait_until
from hookserve.testing.fakes import configure
from hookserve.testing.waiting import DEADLINE
from hookserve.worker.reading import Reader
from hookserve.worker.scoreboard import READY, Scoreboard

pytestmark = pytest.mark.process

APPLICATION = """
def application(environ, start_response):
    start_response("200 OK", [])
    return [b"x"]
"""


class Terminal:
    """A command in a terminal of its own."""

    def __init__(self, *words, name="xterm"):
        self.seen = ""
        self.pid, self._fd = pty.fork()
        if self.pid == 0:
            os.environ |= {"TERM": name, "COLUMNS": "120", "LINES": "40"}
            os.execv(sys.executable, [sys.executable, "-m", "hookserve", *words])

    def wait_for(self, pattern):
        """Until that is written after what was waited for before."""
        until = time.monotonic() + DEADLINE
        while (found := re.search(pattern, self.seen)) is None:
            assert time.monotonic() < until, self.seen
            if select.select([self._fd], [], [], 0.1)[0]:
                data = os.read(self._fd, 65536).decode(errors="replace")
                # Without what moves the cursor, and what colours.
                self.seen += re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]|\x1b[()][A-Z0-9]", "", data)
        self.seen = self.seen[found.end() :]

    def type(self, text):
        os.write(self._fd, text.encode())

    def close(self):
        os.close(self._fd)
        os.kill(self.pid, signal.SIGKILL)
        os.waitpid(self.pid, 0)


@pytest.fixture
def scene(tmp_path):
    (tmp_path / "app.py").write_text(APPLICATION)
    address = f"unix:{tmp_path / 'status'}"
    with serve(
        "app:application", workers=2, settings={"status": address}, chdir=tmp_path
    ) as server:
        client = StatusClient(check(address))

        def is_answered():
            try:
                return client.snapshot()
            except Unreachable:
                return None

        wait_until(is_answered)
        terminal = Terminal("top", "-a", address, "-n", "0.2")
        yield server, client, terminal
        terminal.close()


def test_workers_are_shown_and_one_is_recycled_after_a_question(scene):
    server, client, terminal = scene
    pids = server.workers()
    terminal.wait_for("app:application")
    terminal.wait_for(str(pids[0]))

    terminal.type("R")
    terminal.wait_for(r"recycle worker 0\? \(y/n\)")
    terminal.type("n")
    terminal.wait_for("nothing is done")
    terminal.type("R")
    terminal.wait_for(r"recycle worker 0\?")
    terminal.type("y")

    wait_until(lambda: client.snapshot()["exits"]["by_kind"]["recycled"] == 1)
    assert server.workers()[1] == pids[1]


def test_a_server_that_is_gone_is_shown_so_and_q_quits(scene):
    server, _, terminal = scene
    terminal.wait_for("app:application")
    terminal.type("f")
    terminal.wait_for("FROZEN")
    terminal.type("f")
    server.stop()

    terminal.wait_for(r"! This was so at \d{4}-\d\d-\d\d \d\d:\d\d:\d\d: no server responds")
    terminal.type("q")
    wait_until(lambda: os.waitid(os.P_PID, terminal.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT))


def test_a_terminal_is_missed_before_the_server_is():
    with pytest.raises(UsageError, match=r"^top: this is no terminal"):
        top.run(["-a", "127.0.0.1:1"])


@contextmanager
def serving(folder):
    """A server; the address of its status."""
    (folder / "app.py").write_text(APPLICATION)
    address = f"unix:{folder / 'status'}"
    with serve("app:application", settings={"status": address}, chdir=folder):
        yield address


def test_an_interval_may_be_longer_than_curses_counts(tmp_path):
    with serving(tmp_path) as address:
        terminal = Terminal("top", "-a", address, "-n", "1e9")
        terminal.wait_for("WORKER")
        terminal.type("f")
        terminal.wait_for("FROZEN")
        terminal.close()


def snapshot_of_a_worker():
    """Of one that has run a request for a minute."""
    scoreboard = Scoreboard(1, 1)
    scoreboard.server.pid = scoreboard.server.wanted = 1
    slot = scoreboard.take()
    slot.pid, slot.capacity, slot.state = 4194304, 1, READY
    slot.forked_at = slot.heartbeat = time.monotonic()
    slot.request_slot(0).begin(time.monotonic() - 60, b"GET /" + b"export/" * 9)
    return Source(configure({}), "sync", Reader([scoreboard]), []).make()


class Answering:
    """A client whose command replaces a worker."""

    def do(self, command, index):
        return {"pid": 12, "booting": []}


@pytest.mark.parametrize(
    ("answer", "expected"),
    [("n", "nothing is done"), ("y", r"worker 0 \(pid 12\) is being replaced")],
)
def test_what_a_key_has_done_is_shown_for_a_moment_or_until_the_next_key(
    monkeypatch, answer, expected
):
    monkeypatch.setattr(curses, "color_pair", lambda pair: pair)
    now = time.monotonic()
    monkeypatch.setattr(top, "time", SimpleNamespace(monotonic=lambda: now))
    snapshot = snapshot_of_a_worker()
    shown = Top(None, Answering(), 1.0)

    def is_shown():
        return any(re.fullmatch(expected, text) for text, _ in shown.lines(snapshot, 80, 24))

    for end in ("time", "key"):
        for key in ("R", answer):
            shown.on_key(ord(key), snapshot)
        assert is_shown()
        if end == "time":
            now += 3.0
        else:
            shown.on_key(ord("f"), snapshot)
        assert not is_shown()


def test_a_worker_that_drains_is_not_taken_for_the_one_that_serves(monkeypatch):
    monkeypatch.setattr(curses, "color_pair", lambda pair: pair)
    snapshot = snapshot_of_a_worker()
    snapshot["workers"][0]["state"] = "draining"
    shown = Top(None, None, 1.0)

    shown.on_key(ord("R"), snapshot)

    texts = [text for text, _ in shown.lines(snapshot, 80, 24)]
    assert "worker 0 (pid 4194304) is draining" in texts
    assert not [text for text in texts if "recycle worker" in text]


@pytest.mark.parametrize("name", ["xterm-of-tomorrow", ""])
def test_a_terminal_that_is_not_known_here_is_named(tmp_path, name):
    with serving(tmp_path) as address:
        terminal = Terminal("top", "-a", address, name=name)
        terminal.wait_for(f"this machine does not know the terminal '{name}'")
        terminal.close()


def test_a_terminal_that_cannot_hide_its_cursor_will_do(tmp_path):
    with serving(tmp_path) as address:
        terminal = Terminal("top", "-a", address, name="vt100")
        terminal.wait_for("WORKER")
        terminal.close()


@pytest.fixture
def shown(monkeypatch):
    """What a terminal of that size shows of a snapshot."""
    monkeypatch.setattr(curses, "color_pair", lambda pair: pair)

    def shown(snapshot, width, height):
        return [text for text, _ in Top(None, None, 1.0).lines(snapshot, width, height)]

    return shown


def test_a_terminal_of_80_columns_shows_each_fault_whole_and_every_column(shown):
    lines = shown(snapshot_of_a_worker(), 80, 24)

    (at,) = [row for row, text in enumerate(lines) if "is stuck" in text]
    fault = "".join(text.strip() for text in lines[at : at + 4])
    assert "export/" * 9 in fault
    assert "(hookservectl stacks 0)" in fault
    (row,) = [row for row, text in enumerate(lines) if text.endswith("AGE")]
    assert [len(lines[row]), len(lines[row + 1])] == [79, 79]


@pytest.mark.parametrize("width", [60, 80, 120])
def test_every_figure_and_the_table_of_workers_fit_while_a_worker_drains(shown, width):
    snapshot = snapshot_of_a_worker()
    snapshot["workers"] += [{**snapshot["workers"][0], "state": "draining"}]
    snapshot["rates"]["percentiles"] = dict.fromkeys(("p50", "p95", "p99"), 0.123)

    lines = shown(snapshot, width, 24)

    text = "\n".join(lines)
    for figure in ("and 1 in workers that drain", "p99 123 ms", "5xx/s 0", "cpu 0.00", "q: quit"):
        assert figure in text
    (row,) = [row for row, line in enumerate(lines) if line.startswith("WORKER")]
    assert max(map(len, lines[: row + 2])) < width
    for column in ("PID", "STATE", "BUSY", "REQUESTS", "MEMORY", "CPU"):
        assert column in lines[row]


@pytest.mark.parametrize(
    ("busy", "capacity", "width", "expected"),
    [
        (1, 1, 80, "#     "),
        (2, 4, 120, "##..  "),
        (7, 8, 120, "#######."),
        (7, 8, 80, "#####."),
        (1, 1000, 120, "#" + 31 * "."),
    ],
)
def test_there_is_a_cell_for_each_place_where_they_fit(shown, busy, capacity, width, expected):
    snapshot = snapshot_of_a_worker()
    snapshot["workers"][0] |= {"busy": busy, "capacity": capacity}

    (line,) = [each for each in shown(snapshot, width, 24) if each.startswith("     0")]

    assert f" ready    {expected} {busy:>4}/{capacity} " in line


def snapshot_with_a_past():
    """One that has lost a worker before others were recycled, and has had a reload."""
    snapshot = snapshot_of_a_worker()
    reasons = ["recycled (ctl)"] * 9 + ["killed (SIGKILL)"]
    snapshot["exits"]["latest"] = [
        {"number": 10 - row, "at": 0.0, "index": 0, "pid": 7, "reason": reason}
        | {"is_orderly": reason != "killed (SIGKILL)"}
        for row, reason in enumerate(reasons)
    ]
    failed = {"at": 0.0, "is_complete": 0, "seconds": 1.0, "reason": "no module"}
    snapshot["reloads"] = [failed]
    snapshot["certificates"] = [{"file": "shop.pem", "days_left": 70.4, "is_replaced": False}]
    return snapshot


def test_exits_reloads_and_certificates_are_shown_where_there_is_room(shown):
    snapshot = snapshot_with_a_past()
    least = len(shown(snapshot, 120, 0))
    counted = []

    for room in range(25):
        lines = shown(snapshot, 120, least + room)
        assert lines[:least] == shown(snapshot, 120, 0)
        assert len(lines) <= least + room
        text = "\n".join(lines)
        counted.append([text.count(each) for each in ("recycled", "killed", "no module", "70 da")])
        assert not room or lines[-1]

    assert counted[2] == [0, 0, 0, 0]
    assert counted[3] == [0, 1, 0, 0]
    assert counted[6] == [0, 1, 1, 0]
    assert counted[9] == [0, 1, 1, 1]
    assert counted[-1] == [9, 1, 1, 1]
