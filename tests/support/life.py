"""What is the same in the life of a server whichever interface its application has."""

import signal

from hookserve.testing import wait_until
from hookserve.testing.contract.client import Client, Load, request


class LifeTests:
    """A class for each interface says how its application is served, and at which page."""

    page = "/"

    @staticmethod
    def serving(*arguments, workers=1, **settings):
        """A server of the application."""
        raise NotImplementedError

    def test_a_reload_loses_nothing(self):
        with self.serving(workers=2) as server, Load(server.address) as load:
            for count in (2, 3):
                server.signal(signal.SIGHUP)
                server.wait_for("ready", count=2 * count)
                load.wait_for(30)

            assert load.failures == []

    def test_workers_are_recycled_and_nothing_is_lost(self):
        with self.serving(workers=2, max_requests=50) as server, Load(server.address) as load:
            server.wait_for("exit", count=2)

            assert load.failures == []

    def test_the_access_log_has_what_it_has_for_wsgi(self):
        format_ = "%(m)s %(U)s %(s)s %(B)s %({content-length}o)s %({user-agent}i)s"
        with self.serving(access_logfile="-", access_logformat=format_) as server:
            with Client(server.address) as client:
                size = len(client.ask(request(self.page, "User-Agent: tester\r\n")).body)
            assert size
            wait_until(lambda: f"GET {self.page} 200 {size} {size} tester" in server.log)
