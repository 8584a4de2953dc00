"""The contract: a worker's life, its hooks, its accounting."""

from __future__ import annotations

import json
import os
import signal
import time
from pathlib import Path

from hookserve.testing.contract.client import Client, Load, ask, in_parallel, request
from hookserve.testing.contract.order import OrderContract
from hookserve.testing.waiting import wait_until


class LifeContract(OrderContract):
    """Order, process and arguments of everything that happens to a worker."""

    def test_a_preloaded_application_is_imported_in_a_patched_arbiter(self) -> None:
        """Patching comes before the application, wherever that is imported."""
        with self.serve(records=True, preload_app=True) as server:
            assert ask(server.address).text == str(server.workers()[0])
            imports = self.called(server, "application")

        assert [each["pid"] for each in imports] == [server.pid]
        assert imports[0]["is_patched"] == self.patches

    def test_the_access_log_is_written_before_the_worker_waits(self, tmp_path: Path) -> None:
        """The last line of the access log does not wait for the next request."""
        path = tmp_path / "log"
        with self.serve(access_logfile=path) as server:
            for count in (1, 2):
                assert ask(server.address).status == 200
                wait_until(lambda count=count: len(path.read_text().splitlines()) == count, 5.0)  # type: ignore[misc]  # count is bound

    def test_the_access_log_is_written_while_other_requests_run(self, tmp_path: Path) -> None:
        """Nor for the end of a request that is slow: a stream of events may have none."""
        if not self.can["parallel"]:
            return
        path = tmp_path / "log"
        with self.serve(
            records=True, access_logfile=path, quick_timeout=0.2, abort_timeout=0.3
        ) as server:
            self.begin(server, "/sleep/30")
            self.wait_for_call(server, "pre_request", path="/sleep/30")
            for count in (1, 2):
                assert ask(server.address).status == 200
                wait_until(lambda count=count: len(path.read_text().splitlines()) == count, 5.0)  # type: ignore[misc]  # count is bound
            server.stop(signal.SIGINT)

    def test_each_request_reaches_the_hooks_once_and_alike(self) -> None:
        """pre_request, post_request and the access record, for what succeeds and what fails."""
        pages = [("/", 200), ("/nowhere", 404), ("/fail/ValueError", 500), ("/stream/3", 200)]
        with self.serve(records=True) as server:
            for path, _ in pages:
                with Client(server.address) as client:
                    client.send(request(f"{path}?q=1", "Connection: close\r\n"))
                    client.read_to_end()
            self.wait_for_call(server, "log_access", count=len(pages))
            before = self.called(server, "pre_request")
            after = self.called(server, "post_request")
            logged = self.called(server, "log_access")

        for found in (before, after):
            assert [(each["path"], each["query"]) for each in found] == [
                (path, "q=1") for path, _ in pages
            ]
        assert [each["status"] for each in after] == [status for _, status in pages]
        assert [each["status"] for each in logged] == [status for _, status in pages]
        assert [bool(each["reason"]) for each in logged] == [False, False, True, False]
        assert all(0 < each["elapsed"] < 10 for each in after)
        assert logged[-1]["sent"] == after[-1]["sent"] == 3 * 65536

    def test_a_refused_request_has_an_access_record_and_no_hook(self) -> None:
        """What the protocol refuses never was a request to the application."""
        with self.serve(records=True) as server:
            with Client(server.address) as client:
                client.send(b"NONSENSE\r\n\r\n")
                response = client.read_to_end()
            record = self.wait_for_call(server, "log_access")
            hooks = self.called(server, "pre_request", "post_request")

        assert response.startswith(b"HTTP/1.1 400 ")
        assert (record["status"], hooks) == (400, [])
        assert record["reason"]

    def test_an_application_that_raises_fails_its_request_alone(self) -> None:
        """Whatever it raises: a request that calls sys.exit() ends no worker."""
        pid = self.server.workers()[0]
        for name in ("ValueError", "SystemExit"):
            response = ask(self.server.address, f"/fail/{name}")

            assert response.status == 500
            assert response.closes
        assert ask(self.server.address).text == str(pid)

    def test_what_wsgi_says_of_threads_and_processes_is_true(self) -> None:
        """``wsgi.multithread`` is whether requests overlap, ``wsgi.multiprocess`` whether there
        are several workers."""
        with self.serve(workers=2) as server:
            several = json.loads(ask(server.address, "/environ").text)
        alone = json.loads(ask(self.server.address, "/environ").text)
        most = [
            int(response.text)  # type: ignore[attr-defined]  # or an exception, which fails here
            for response in in_parallel(4, lambda _: ask(self.server.address, "/overlap/0.3"))
        ]

        assert (several["wsgi.multiprocess"], alone["wsgi.multiprocess"]) == (True, False)
        assert alone["wsgi.multithread"] == self.can["parallel"] == (max(most) > 1)

    def test_the_scoreboard_counts_everything(self) -> None:
        """Requests, bytes, errors and connections, in whichever thread or greenlet."""
        paths = ["/", "/stream/2", "/nowhere", "/fail/ValueError", "/whole/1"]
        with self.serve(records=True) as server:
            bodies = [len(ask(server.address, path).body) for path in paths]
            server.stop()
            counters = self.called(server, "child_exit")[0]["counters"]

        assert counters == {
            "requests": 5,
            "bytes_sent": sum(bodies),
            "client_errors": 1,
            "server_errors": 1,
            "connections": 0,
            "accepted": 5,
            "rejected": 0,
            "saturated": 0,
            "lost": 0,
        }

    def test_a_worker_ends_when_its_arbiter_is_killed(self) -> None:
        """At once, idle or busy, without polling."""
        with self.serve(workers=2) as server:
            pids = list(server.workers().values())
            with self.begin(server, "/sleep/20"):
                server.process.kill()
                server.wait()
                # One may be asleep in the application: nothing but its own end can wake it then.
                asleep = 0 if self.can["parallel"] else 1
                wait_until(lambda: sum(map(_is_alive, pids)) <= asleep)
            for pid in filter(_is_alive, pids):
                os.kill(pid, signal.SIGKILL)

    def test_a_storm_of_signals_is_survived_without_a_lost_request(self) -> None:
        """Those that mean nothing to a worker, and those that mean a little."""
        with self.serve() as server:
            pid = server.workers()[0]
            with Load(server.address) as load:
                for _ in range(50):
                    for number in (signal.SIGUSR1, signal.SIGHUP, signal.SIGUSR2, signal.SIGWINCH):
                        os.kill(pid, number)
                    server.signal(signal.SIGUSR1)
                    time.sleep(0.005)  # a storm, not one signal
                load.wait_for(20)

            assert load.failures == []
            assert ask(server.address).text == str(pid)


def _is_alive(pid: int) -> bool:
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return False
    return stat.rpartition(")")[2].split()[0] != "Z"
