"""Connections that wait, in the order of their deadlines."""

from hookserve.net.parking import ParkingLot


def test_what_has_waited_too_long_is_taken_out():
    lot = ParkingLot((10.0, 2.0, 0.0))
    lot.park(4, "head", 0, 100.0)
    lot.park(5, "kept", 1, 101.0)
    lot.park(6, "for ever", 2, 0.0)

    assert lot.next_deadline() == 103.0
    assert lot.expired(102.9) == []
    assert lot.expired(103.0) == [(5, "kept", 1)]
    assert lot.next_deadline() == 110.0
    assert lot.expired(200.0) == [(4, "head", 0)]
    assert lot.next_deadline() is None
    assert 6 in lot
    assert len(lot) == 1


def test_what_is_taken_is_gone_and_the_oldest_is_known():
    lot = ParkingLot((10.0, 10.0))
    for fd in (7, 8, 9):
        lot.park(fd, f"item {fd}", 1, float(fd))

    assert lot.oldest(1) == 7
    assert lot.oldest(0) is None
    assert lot.take(7) == "item 7"
    assert lot.oldest(1) == 8
    assert (lot.kind(8), lot.item(8)) == (1, "item 8")
    assert 7 not in lot


def test_parking_again_counts_anew():
    lot = ParkingLot((10.0,))
    lot.park(4, "a", 0, 0.0)
    lot.park(5, "b", 0, 1.0)

    lot.park(4, lot.take(4), 0, 2.0)

    assert lot.expired(11.0) == [(5, "b", 0)]
