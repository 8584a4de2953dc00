"""Every field has a place of its own."""

from hookserve import ScoreboardField
from hookserve.worker.layout import (
    BOUNDS,
    BUCKETS,
    REQUEST_SLOT_SIZE,
    REQUEST_SLOT_WORDS,
    SERVER,
    SLOT,
    Layout,
)


def test_the_buckets_are_those_of_opentelemetry_and_one_without_a_bound():
    assert BOUNDS[0] == 0.005
    assert BOUNDS[-1] == 10
    assert len(BOUNDS) == 14
    assert BUCKETS == 15


def test_a_request_slot_is_packed_as_long_as_it_is():
    layout = Layout(2, [])

    assert layout.record(2).size - layout.record(1).size == REQUEST_SLOT_SIZE


def test_no_field_has_two_places():
    assert len(set(SLOT)) == len(SLOT)
    assert len(set(SERVER)) == len(SERVER)


def test_fields_of_plugins_lie_between_the_cores_and_the_request_slots():
    layout = Layout(2, [ScoreboardField("a", "A.", words=3), ScoreboardField("b", "B.")])

    assert layout.field_words == {"a": len(SLOT), "b": len(SLOT) + 3}
    assert layout.request_slots_word == len(SLOT) + 4
    assert layout.slot_words == len(SLOT) + 4 + 2 * REQUEST_SLOT_WORDS


def test_only_counters_have_a_total():
    fields = [ScoreboardField(kind, "", kind) for kind in ("gauge", "counter", "memory")]

    assert Layout(1, fields).total_words == {"counter": len(SERVER)}
