"""Health checks and scrapes during a reload whose workers need a larger scoreboard."""

import http.client
import re
import signal
import sys

import pytest
from support.scrapers import Scrapers
from support.sockets import free_address

from hookserve.testing import wait_until
from hookserve.testing.server import serve_command

pytestmark = pytest.mark.process

APPLICATION = """
def application(environ, start_response):
    start_response("200 OK", [])
    return [b"x"]
"""


class Site:
    """A server under gthread that answers health checks and scrapes at addresses of their own."""

    def __init__(self, folder):
        self.folder = folder
        self.health, self.metrics = free_address(), free_address()
        (folder / "app.py").write_text(APPLICATION)

    def configure(self, workers, threads):
        lines = [
            f"workers, threads = {workers}, {threads}",
            "health = True",
            "health_min_workers = 1",
            f"health_bind = {'{}:{}'.format(*self.health)!r}",
            f"prometheus = {'{}:{}'.format(*self.metrics)!r}",
        ]
        (self.folder / "hookserve.conf.py").write_text("\n".join(lines))

    def ready_workers(self):
        """How many the metrics say there are, and whether they have room for requests."""
        connection = http.client.HTTPConnection(*self.metrics)
        connection.request("GET", "/metrics")
        text = connection.getresponse().read().decode()
        connection.close()
        (ready,) = re.findall(r'^hookserve_workers\{worker_state="ready"\} (\d+)', text, re.M)
        (capacity,) = re.findall(r"^hookserve_requests_capacity (\d+)", text, re.M)
        return int(ready), int(capacity)


@pytest.mark.parametrize("workers", [(1, 1), (1, 3), (3, 1)])
def test_no_check_and_no_scrape_misses_the_workers_of_either_scoreboard(tmp_path, workers):
    site, threads = Site(tmp_path), 1
    site.configure(workers[0], threads)
    command = [
        sys.executable,
        "-m",
        "hookserve",
        "-k",
        "gthread",
        "-b",
        "127.0.0.1:0",
        "app:application",
    ]
    with serve_command(command, chdir=tmp_path, workers=workers[0]) as server:
        host, port = server.address
        checks = ((site.health, "/-/ready"), ((host, port), "/-/ready"))
        with Scrapers(*checks) as scrapers:
            for generation in range(2, 8):
                threads *= 2
                site.configure(workers[generation % 2], threads)
                server.signal(signal.SIGHUP)
                while f"reloaded: generation {generation}" not in server.log:
                    ready, capacity = site.ready_workers()
                    assert ready
                    assert capacity
                scrapers.wait_for_each()
            assert scrapers.failures == []
        wait_until(lambda: site.ready_workers() == (workers[1], workers[1] * threads))
