"""The files of all processes, added up while processes come and go."""

import os
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hookserve_prometheus.collection import ApplicationMetrics
from prometheus_client import values
from prometheus_client.mmap_dict import mmap_key
from prometheus_client.openmetrics.parser import text_string_to_metric_families

KEY = mmap_key("shop_orders", "shop_orders_total", ("kind",), ("book",), "Orders.")


def collect(directory, taken=()):
    return ApplicationMetrics(directory).render(taken)


def write(path, name, sample, labels=(), values=(), amount=2.0):
    """A file of prometheus_client's, or one value more in it."""
    file = values_of(path)
    file.write_value(mmap_key(name, sample, labels, values, "Orders."), amount, 0.0)
    file.close()


def values_of(path):
    return values.MmapedDict(str(path))


@pytest.fixture
def directory(tmp_path):
    """The files of two processes that have counted."""
    for number in range(2):
        file = values.MmapedDict(str(tmp_path / f"counter_{number}.db"))
        file.write_value(KEY, 2.0, 0.0)
        file.close()
        (tmp_path / f"{number}.lock").touch()
    return tmp_path


def test_the_counters_of_all_processes_are_added_up(directory):
    assert 'shop_orders_total{kind="book"} 4.0\n' in collect(str(directory), ())


def test_a_family_of_a_name_that_the_server_has_is_left_out_and_named_once(directory, caplog):
    metrics = ApplicationMetrics(str(directory))

    for _ in range(2):
        assert "shop_orders" not in metrics.render({"shop_orders"})

    (line,) = [each.getMessage() for each in caplog.records]
    assert line.endswith("without shop_orders: the server has a metric of that name")


def test_a_file_that_was_only_just_made_is_passed_over(directory):
    """A worker that boots opens its file first and gives it its size then."""
    (directory / "counter_2.db").touch()

    assert 'shop_orders_total{kind="book"} 4.0\n' in collect(str(directory), ())


def test_a_file_that_is_removed_meanwhile_is_passed_over(directory):
    (directory / "gauge_livesum_2.db").symlink_to("gone")  # it is listed, and cannot be opened

    assert 'shop_orders_total{kind="book"} 4.0\n' in collect(str(directory), ())


@pytest.mark.parametrize("content", [b"garbagegarbagegarbage", b"\x00\x01\x00\x00short", b"x"])
def test_a_file_that_cannot_be_read_is_left_out_and_named_once(directory, content, caplog):
    broken = directory / "counter_5000000.db"
    broken.write_bytes(content)
    metrics = ApplicationMetrics(str(directory))

    for _ in range(2):
        assert 'shop_orders_total{kind="book"} 4.0\n' in metrics.render(())

    (line,) = [each.getMessage() for each in caplog.records]
    assert line.startswith(f"the application's metrics are scraped without {broken}: ")


def test_a_family_that_is_no_text_is_left_out_and_named(directory, caplog):
    write(directory / "counter_0.db", "paths", "paths_total", ("path",), ("/\udcff",))

    text = collect(str(directory))

    assert 'shop_orders_total{kind="book"} 4.0\n' in text
    assert "paths" not in text
    assert "without paths: UnicodeEncodeError" in caplog.text


def test_a_family_has_the_type_that_it_had_last(directory):
    write(directory / "counter_0.db", "shop_time", "shop_time_total")
    os.utime(directory / "counter_0.db", (1.0, 1.0))
    bucket = ("shop_time", "shop_time_bucket", ("le",), ("+Inf",))
    write(directory / "histogram_0.db", *bucket)
    write(directory / "histogram_0.db", "shop_time", "shop_time_sum")

    text = collect(str(directory))

    families = {each.name: each for each in text_string_to_metric_families(text + "# EOF\n")}
    assert families["shop_time"].type == "histogram"
    assert {each.name for each in families["shop_time"].samples} == {
        "shop_time_bucket",
        "shop_time_sum",
        "shop_time_count",
    }


def test_a_name_that_the_servers_family_has_a_sample_of_is_left_out(directory):
    write(directory / "gauge_all_0.db", "served_seconds_count", "served_seconds_count")

    assert "served_seconds_count" in collect(str(directory))
    assert "served_seconds_count" not in collect(str(directory), {"served_seconds"})


@pytest.mark.process
@pytest.mark.skipif(os.geteuid() != 0, reason="only root could be led astray")
def test_a_link_of_the_workers_user_leads_root_nowhere(tmp_path):
    secret = tmp_path / "secret"
    write(secret, "secret", "secret_total")
    with TemporaryDirectory() as name:
        directory = Path(name)
        write(directory / "counter_0.db", "shop_orders", "shop_orders_total")
        (directory / "9.lock").symlink_to(tmp_path / "made")
        (directory / "counter_9.db").symlink_to(secret)
        for path in (directory, *directory.iterdir()):
            os.chown(path, 65534, 65534, follow_symlinks=False)

        text = collect(name)

    assert "shop_orders_total 2.0" in text
    assert "secret" not in text
    assert not (tmp_path / "made").exists()
    assert os.geteuid() == 0
