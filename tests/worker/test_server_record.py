"""What the arbiter keeps of the whole server."""

from hookserve import ScoreboardField
from hookserve.types import ExitReason
from hookserve.worker.request_slots import CLIENT_ERROR
from hookserve.worker.scoreboard import Scoreboard
from hookserve.worker.server_record import Exit, ReloadResult


def finished(slot, count=1):
    request_slot = slot.request_slot(0)
    for _ in range(count):
        request_slot.begin(1.0, b"GET /")
        request_slot.end(1.5, CLIENT_ERROR, 10)


def test_what_a_worker_has_counted_is_kept_when_it_is_gone():
    fields = [
        ScoreboardField("hits", "", "counter", words=2),
        ScoreboardField("waited_seconds", "", "counter", is_real=True),
        ScoreboardField("level", "", "gauge"),
    ]
    scoreboard = Scoreboard(2, 1, fields=fields)
    for _ in range(2):
        slot = scoreboard.take()
        finished(slot, 3)
        slot.accepted = 2
        slot.open_connections = 5
        slot.cells("hits")[1] = 7
        slot.cells("waited_seconds")[0] = 0.5
        slot.cells("level")[0] = 9
        scoreboard.server.add(slot)
        scoreboard.give_back(slot)

    totals = scoreboard.server.totals
    assert totals["requests"] == 6
    assert totals["client_errors"] == 6
    assert totals["bytes_sent"] == 60
    assert totals["accepted"] == 4
    assert sum(scoreboard.server.buckets) == 6
    assert scoreboard.server.seconds == 3.0
    assert list(scoreboard.server.field_total("hits")) == [0, 14]
    assert list(scoreboard.server.field_total("waited_seconds")) == [1.0]


def test_the_latest_exits_are_kept_the_newest_first_and_all_are_counted():
    scoreboard = Scoreboard(1, 1)
    slot = scoreboard.take()
    slot.index, slot.pid = 3, 77
    for number in range(40):
        reason = ExitReason("timed out", f"silent for {number} s\nX: y")
        scoreboard.server.add_exit(1e9 + number, slot, 2.5, reason)

    exits = scoreboard.server.exits()

    assert exits[0] == Exit(40, 1e9 + 39, 3, 77, 2.5, "timed out (silent for 39 s X: y)")
    assert [each.number for each in exits] == list(range(40, 16, -1))
    assert scoreboard.server.exits_by_kind["timed out"] == 40
    assert sum(scoreboard.server.exits_by_kind.values()) == 40


def test_orderly_exits_push_out_no_others():
    scoreboard = Scoreboard(1, 1)
    slot = scoreboard.take()
    scoreboard.server.add_exit(1e9, slot, 2.5, ExitReason("killed", "SIGKILL"))
    for number in range(60):
        reason = ExitReason("recycled" if number % 2 else "drained")
        scoreboard.server.add_exit(1e9 + number, slot, 2.5, reason)

    *orderly, lost = scoreboard.server.exits()

    assert [each.number for each in orderly] == list(range(61, 37, -1))
    assert all(each.is_orderly for each in orderly)
    assert (lost.number, lost.reason, lost.is_orderly) == (1, "killed (SIGKILL)", False)


def test_the_latest_reloads_are_kept_with_their_outcome():
    record = Scoreboard(1, 1).server
    record.generation = 2
    record.add_reload(1e9, 0.5, "", is_complete=True)
    record.add_reload(2e9, 0.25, "ImportError: näme " + "x" * 500, is_complete=False)

    newest, oldest = record.reloads()

    assert oldest == ReloadResult(1, 1e9, 2, 1, 0.5, "")
    assert not newest.is_complete
    assert newest.reason.startswith("ImportError: näme xxx")
    assert record.reloads_ended == 2


def test_a_larger_scoreboard_goes_on_with_all_of_it():
    before = Scoreboard(1, 1, fields=[ScoreboardField("hits", "", "counter")])
    after = Scoreboard(
        1, 4, fields=[ScoreboardField("more", "", "counter"), before.layout.fields[0]]
    )
    slot = before.take()
    finished(slot, 2)
    slot.cells("hits")[0] = 4
    before.server.started_at, before.server.start_time = 12.5, 1e9
    before.server.add(slot)
    before.server.add_exit(1e9, slot, 0.0, ExitReason("drained"))

    after.server.copy(before.server)

    assert after.server.totals["requests"] == 2
    assert (after.server.started_at, after.server.start_time) == (12.5, 1e9)
    assert after.server.exits() == before.server.exits()
    assert list(after.server.field_total("hits")) == [4]
    assert list(after.server.field_total("more")) == [0]


def test_the_sequence_is_odd_while_the_record_changes():
    record = Scoreboard(1, 1).server
    with record.change():
        assert record.sequence % 2 == 1
    assert record.sequence == 2
