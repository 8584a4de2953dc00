"""Files of processes that prometheus_client names by their process ids."""

import os
import subprocess
import sys

import pytest
from hookserve_prometheus.collection import ApplicationMetrics
from hookserve_prometheus.unnumbered import add_up_ended
from prometheus_client import values
from prometheus_client.mmap_dict import mmap_key


def ended_pid():
    with subprocess.Popen([sys.executable, "-c", ""]) as process:
        return process.pid


def write(path, amount):
    file = values.MmapedDict(str(path))
    kind = path.name.partition("_")[0]
    name = "shop_sold" if kind == "counter" else f"shop_{path.name.split('_')[1]}"
    sample = f"{name}_total" if kind == "counter" else name
    file.write_value(mmap_key(name, sample, (), (), "Help."), amount, 10.0 - amount)
    file.close()


@pytest.mark.process
def test_counts_of_ended_processes_are_kept_in_one_file_and_their_live_gauges_are_not(tmp_path):
    alive = os.getpid()
    for pid in (ended_pid(), ended_pid(), alive):
        write(tmp_path / f"counter_{pid}.db", 2.0)
        write(tmp_path / f"gauge_livesum_{pid}.db", 1.0)

    for _ in range(2):
        text = ApplicationMetrics(str(tmp_path)).render(())
        assert "shop_sold_total 6.0\n" in text
        assert "shop_livesum 1.0\n" in text

    assert {each.name for each in tmp_path.iterdir()} == {
        "counter_ended.db",
        f"counter_{alive}.db",
        f"gauge_livesum_{alive}.db",
    }


def test_the_file_of_a_number_stays(tmp_path):
    write(tmp_path / "counter_5000000.db", 2.0)
    (tmp_path / "5000000.lock").touch()

    add_up_ended(str(tmp_path))

    assert (tmp_path / "counter_5000000.db").exists()


def test_a_file_that_cannot_be_read_stays(tmp_path):
    (tmp_path / "counter_5000000.db").write_bytes(b"garbagegarbagegarbage")

    add_up_ended(str(tmp_path))

    assert (tmp_path / "counter_5000000.db").exists()


def test_of_a_file_that_is_cut_off_nothing_is_added_however_often_it_is_met(tmp_path):
    path = tmp_path / "counter_5000000.db"
    write(path, 2.0)
    used = int.from_bytes(path.read_bytes()[:4], sys.byteorder)
    entry = (1 << 20).to_bytes(4, sys.byteorder)  # a key that is longer than the file
    content = path.read_bytes()
    path.write_bytes((used + 8).to_bytes(4, sys.byteorder) + content[4:used] + entry + bytes(4))

    for _ in range(2):
        add_up_ended(str(tmp_path))

    assert path.exists()
    assert not (tmp_path / "counter_ended.db").exists()


def test_an_empty_file_goes(tmp_path):
    (tmp_path / "counter_5000000.db").touch()

    add_up_ended(str(tmp_path))

    assert not (tmp_path / "counter_5000000.db").exists()


def test_gauges_of_ended_processes_are_kept_in_one_file_for_each_mode(tmp_path):
    for mode in ("sum", "min", "max", "mostrecent", "all", "livemax"):
        for number, amount in enumerate((2.0, 1.0, 3.0)):
            write(tmp_path / f"gauge_{mode}_{5_000_000 + number}.db", amount)

    for _ in range(2):
        text = ApplicationMetrics(str(tmp_path)).render(())
        found = dict(line.split() for line in text.splitlines() if not line.startswith("#"))
        assert found == {
            "shop_sum": "6.0",
            "shop_min": "1.0",
            "shop_max": "3.0",
            "shop_mostrecent": "1.0",  # the smallest was set last
        }

    assert len(list(tmp_path.iterdir())) == 4
