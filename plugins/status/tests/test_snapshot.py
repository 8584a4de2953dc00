"""A snapshot of 64 workers, and how long it takes."""

import os
import time

import pytest
from hookserve_status.page import render_page
from hookserve_status.snapshot import Source
from hookserve_status.text import render_text

from hookserve import ScoreboardField
from hookserve.launch.assembly import assemble
from hookserve.testing.fakes import configure
from hookserve.types import ExitReason
from hookserve.worker.reading import Reader
from hookserve.worker.scoreboard import DRAINING, READY, Scoreboard


def busy_scoreboard(workers=64, places=4):
    scoreboard = Scoreboard(4 * workers, places + 1)
    scoreboard.server.pid, scoreboard.server.wanted = os.getpid(), workers
    for index in range(workers):
        slot = scoreboard.take()
        slot.index, slot.pid, slot.capacity = index, os.getpid(), places
        slot.state, slot.forked_at, slot.heartbeat = READY, 1.0 + index, time.monotonic()
        for number in range(places):
            request_slot = slot.request_slot(number)
            request_slot.begin(time.monotonic(), b"GET /")
            request_slot.end(time.monotonic(), 2, 10)
            request_slot.begin(time.monotonic() - 60, b"GET /<b>stuck</b>", b"an-id")
    return scoreboard


@pytest.fixture
def source():
    config = configure({"status": "127.0.0.1:1", "raw_env": "TOKEN=secret"})
    return Source(config, "sync", Reader([busy_scoreboard()]), [])


def test_every_form_shows_every_worker(source):
    snapshot = source.make()

    page, text = render_page(snapshot), render_text(snapshot)
    assert page.count('class="worker stuck"') == 64
    assert page.count('<i class="stuck">') == 64 * 4 + 1
    assert text.count("an-id") == 64 * 4
    assert len(snapshot["workers"]) == 64


def test_a_lost_worker_is_shown_however_many_were_recycled_after_it():
    scoreboard = Scoreboard(1, 1)
    slot = scoreboard.take()
    slot.pid = os.getpid()
    scoreboard.server.add_exit(time.time() - 200, slot, 1.0, ExitReason("killed", "SIGKILL"))
    for number in range(60):
        reason = ExitReason("recycled", f"ctl {number}")
        scoreboard.server.add_exit(time.time(), slot, 1.0, reason)

    snapshot = Source(configure({}), "sync", Reader([scoreboard]), []).make()

    assert any("was lost 200 s ago" in each["text"] for each in snapshot["faults"])
    for shown in (render_page(snapshot), render_text(snapshot)):
        assert shown.count("killed (SIGKILL)") == 2  # as a fault and as an exit
        assert "ctl 59" in shown


def test_the_metrics_say_for_how_long_each_workers_oldest_request_runs(source):
    lines = source.metrics().render().splitlines()

    name = 'hookserve_worker_oldest_request_seconds{worker="63"} '
    (found,) = [line.removeprefix(name) for line in lines if line.startswith(name)]
    assert 60 <= float(found) < 90
    assert len(found.partition(".")[2]) == 3  # milliseconds


def recycled_while_busy():
    """Worker 1 was recycled: the old process has a request for 60 s, its replacement has none."""
    fields = [ScoreboardField("lag_seconds", "", is_real=True)]
    scoreboard = Scoreboard(4, 9, fields=fields)
    scoreboard.server.pid, scoreboard.server.wanted = os.getpid(), 2
    now = time.monotonic()
    for index, state, age in ((0, READY, 99.0), (1, DRAINING, 99.0), (1, READY, 3.0)):
        slot = scoreboard.take()
        slot.index, slot.pid, slot.capacity, slot.state = index, os.getpid(), 8, state
        slot.forked_at, slot.heartbeat, slot.open_connections = now - age, now, 1
        if state == DRAINING:
            slot.pid, slot.heartbeat = os.getppid(), now - 40
            slot.cells("lag_seconds")[0] = 7.0
            slot.request_slot(0).begin(now - 60, b"GET /hung")
    return Source(configure({"status": "127.0.0.1:1"}), "sync", Reader([scoreboard]), [])


def test_the_metrics_of_an_index_have_what_its_draining_worker_does():
    lines = recycled_while_busy().metrics().render().splitlines()
    of_one = {
        name.partition("{")[0].removeprefix("hookserve_worker_"): float(value)
        for name, _, value in (line.rpartition(" ") for line in lines)
        if name.endswith('{worker="1"}')
    }
    own = next(
        float(line.rpartition(" ")[2])
        for line in lines
        if line.startswith('hookserve_worker_resident_memory_bytes{worker="0"}')
    )

    assert 60 <= of_one["oldest_request_seconds"] < 90
    assert 40 <= of_one["silent_seconds"] < 70
    assert (of_one["busy"], of_one["capacity"], of_one["connections"]) == (1, 8, 2)
    assert of_one["resident_memory_bytes"] > own
    assert 3 <= of_one["age_seconds"] < 33
    assert of_one["lag_seconds"] == 7
    assert len([line for line in lines if line.startswith("hookserve_worker_busy{")]) == 2


def test_requests_of_workers_that_drain_are_said_beside_the_busy_places():
    snapshot = recycled_while_busy().make()

    assert "busy 0 of 16 and 1 in workers that drain  " in render_text(snapshot)
    assert '<p class="note">and 1 in workers that drain</p>' in render_page(snapshot)


def test_what_a_client_sends_is_text_on_the_page(source):
    page = render_page(source.make())

    assert "&lt;b&gt;stuck" in page
    assert "<b>stuck" not in page


def test_values_that_may_be_secret_are_not_shown(source):
    snapshot = source.make()

    (value,) = [each["value"] for each in snapshot["settings"] if each["name"] == "raw_env"]
    assert value == "TOKEN=..."
    assert "secret" not in render_page(snapshot)


def test_settings_of_plugins_that_are_off_are_shown_with_their_defaults(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    config = assemble(["--status", "127.0.0.1:1", "app"], {}).config
    shown = Source(config, "sync", Reader([busy_scoreboard()]), []).make()["settings"]
    whole = assemble(["--status", "127.0.0.1:1", "app", "--print-config"], {}).config

    assert {each["name"] for each in shown} == set(whole)
    (found,) = [each for each in shown if each["name"] == "health_prefix"]
    assert found == {"name": "health_prefix", "value": "/-/", "origin": "default"}


@pytest.mark.serial
def test_a_scrape_of_64_workers_takes_less_than_five_milliseconds(source):
    def scrape():
        began = time.thread_time()
        source.metrics().render()
        return time.thread_time() - began

    assert min(scrape() for _ in range(50)) < 0.005
