"""What the workers of a server measure with prometheus_client, in one scrape."""

import http.client
import os
import signal
import socket
import time
from pathlib import Path

import pytest
from prometheus_client.openmetrics.parser import text_string_to_metric_families

from hookserve.testing import serve, wait_until

pytestmark = pytest.mark.process

APPLICATION = """
import os
from prometheus_client import Counter, Gauge, Histogram

SEEN = Counter("shop_orders", "Orders.", ["kind"])
LIVE = Gauge("shop_live", "Alive.", multiprocess_mode="livesum")
TIMES = Histogram("shop_order_seconds", "Durations.", buckets=(1, 2))
CLASH = Counter("hookserve_requests_saturated", "Of the server's name.")

def application(environ, start_response):
    LIVE.set(1)
    SEEN.labels("book").inc()
    TIMES.observe(1.5)
    CLASH.inc()
    if environ["PATH_INFO"] == "/fork":
        if os.fork() == 0:
            SEEN.labels("forked").inc()
            os._exit(0)
        os.wait()
    start_response("200 OK", [])
    return [f"{os.getpid()} {os.environ['PROMETHEUS_MULTIPROC_DIR']}".encode()]
"""


class Scene:
    """A server whose application measures something."""

    def __init__(self, server, port):
        self.server, self.port = server, port

    def get(self, path="/"):
        """The process id of the worker, and its directory."""
        connection = http.client.HTTPConnection(*self.server.address, timeout=30)
        connection.request("GET", path)
        pid, _, directory = connection.getresponse().read().decode().partition(" ")
        connection.close()
        return pid, Path(directory)

    def scrape(self):
        """Values by the name of a sample and its labels but `pid`."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        connection.request("GET", "/metrics")
        text = connection.getresponse().read().decode()
        connection.close()
        families = list(text_string_to_metric_families(text))
        assert len({each.name for each in families}) == len(families)
        return {
            (sample.name, *sample.labels.values()): sample.value
            for family in families
            for sample in family.samples
        }

    def counted(self):
        """Requests by the application's counter, if the process that is scraped runs."""
        return (self.answers() or {}).get(("shop_orders_total", "book"))

    def answers(self):
        try:
            return self.scrape()
        except OSError:
            return None


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as free:
        return free.getsockname()[1]


@pytest.fixture
def scene(tmp_path, request):
    (tmp_path / "app.py").write_text(APPLICATION)
    port = free_port()
    settings = {"prometheus": f"127.0.0.1:{port}", "prometheus_client": True}
    settings |= getattr(request, "param", {})
    workers = settings.pop("workers", 2)
    model = settings.pop("worker", "sync")
    with serve(
        "app:application", worker=model, workers=workers, settings=settings, chdir=tmp_path
    ) as server:
        made = Scene(server, port)
        wait_until(made.answers)
        yield made


RECYCLED = {
    "gthread": {"max_requests": 5, "preload_app": True},
    "sync": {"max_requests": 5},
    "gevent": {"max_requests": 5},
    "asyncio": {"max_requests": 5},
}
"""The files are of processes, which come and go alike: the first is asked in each run."""


@pytest.mark.parametrize(
    "scene",
    [
        pytest.param(
            {"worker": worker, **settings},
            id=worker,
            marks=[] if worker == "gthread" else pytest.mark.everywhere,
        )
        for worker, settings in RECYCLED.items()
    ],
    indirect=True,
)
def test_counters_go_on_and_files_stay_as_many_when_workers_are_recycled(scene):
    directory = scene.get()[1]
    pids, count = set(), 1
    deadline = time.monotonic() + 30
    while len(pids) < 24 and time.monotonic() < deadline:
        pids.add(scene.get()[0])
        count += 1

    assert len(pids) == 24
    assert scene.scrape()["shop_orders_total", "book"] == count
    assert scene.scrape()["shop_order_seconds_bucket", "2.0"] == count
    # Of two workers, of those that end and those that boot meanwhile, and of the arbiter.
    assert len(list(directory.glob("counter_*.db"))) <= 8
    assert ("hookserve_requests_saturated_total",) in scene.scrape()
    assert scene.scrape()["hookserve_requests_saturated_total",] == 0  # the server's own


@pytest.mark.parametrize("scene", [{"workers": 1}], indirect=True)
def test_a_gauge_of_a_live_mode_ends_with_its_worker(scene):
    scene.get()
    assert scene.scrape()["shop_live",] == 1
    (pid,) = scene.server.workers().values()

    os.kill(pid, signal.SIGKILL)

    wait_until(lambda: ("shop_live",) not in scene.scrape())
    assert scene.scrape()["shop_orders_total", "book"] == 1


@pytest.mark.parametrize("scene", [{"workers": 1}], indirect=True)
def test_workers_that_are_killed_leave_no_files_and_their_counters_stay(scene):
    directory = scene.get()[1]
    files = {each.name for each in directory.iterdir()}
    for count in range(2, 6):
        (pid,) = scene.server.workers().values()
        os.kill(pid, signal.SIGKILL)
        scene.server.wait_for("ready", count=count)

        scene.get()

        assert scene.scrape()["shop_orders_total", "book"] == count
        assert {each.name for each in directory.iterdir()} == files


@pytest.mark.parametrize("scene", [{"workers": 1}], indirect=True)
def test_a_process_that_the_application_forks_has_files_of_its_own(scene):
    directory = scene.get("/fork")[1]
    scene.get("/fork")

    assert scene.scrape()["shop_orders_total", "forked"] == 2
    assert len(list(directory.glob("counter_*.db"))) == 2


@pytest.mark.parametrize(
    "scene", [{"workers": 1, "preload_app": preload} for preload in (False, True)], indirect=True
)
def test_counters_go_on_after_a_reload(scene):
    pid, directory = scene.get()
    os.kill(scene.server.pid, signal.SIGHUP)
    count = 1

    def is_replaced():
        nonlocal count
        count += 1
        return scene.get()[0] != pid

    wait_until(is_replaced)
    assert scene.get()[1] == directory
    # The process that is scraped is another one too.
    wait_until(lambda: scene.counted() == count + 1)


@pytest.mark.parametrize("scene", [{"workers": 1}], indirect=True)
def test_the_directory_ends_with_the_server(scene):
    directory = scene.get()[1]
    assert directory.stat().st_mode & 0o777 == 0o700

    scene.server.stop()

    assert not directory.exists()
