"""The files of all processes, added up while processes come and go."""

import pytest
from hookserve_prometheus.collection import collect
from prometheus_client import values
from prometheus_client.mmap_dict import mmap_key

KEY = mmap_key("shop_orders", "shop_orders_total", ("kind",), ("book",), "Orders.")


@pytest.fixture
def directory(tmp_path):
    """The files of two processes that have counted."""
    for number in range(2):
        file = values.MmapedDict(str(tmp_path / f"counter_{number}.db"))
        file.write_value(KEY, 2.0, 0.0)
        file.close()
    return tmp_path


def test_the_counters_of_all_processes_are_added_up(directory):
    assert 'shop_orders_total{kind="book"} 4.0\n' in collect(str(directory), ())
    assert "shop_orders" not in collect(str(directory), {"shop_orders"})


def test_a_file_that_was_only_just_made_is_passed_over(directory):
    """A worker that boots opens its file first and gives it its size then."""
    (directory / "counter_2.db").touch()

    assert 'shop_orders_total{kind="book"} 4.0\n' in collect(str(directory), ())


def test_a_file_that_is_removed_meanwhile_is_passed_over(directory):
    (directory / "gauge_livesum_2.db").symlink_to("gone")  # it is listed, and cannot be opened

    assert 'shop_orders_total{kind="book"} 4.0\n' in collect(str(directory), ())
