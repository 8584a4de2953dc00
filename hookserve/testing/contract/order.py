"""The contract of every interface: the steps of a worker's life."""

from __future__ import annotations

from hookserve.testing.contract.base import Contract
from hookserve.testing.contract.client import ask

IN_WORKER = (
    "post_fork",
    "application",
    "app_wrappers",
    "post_worker_init",
    "pre_request",
    "post_request",
    "log_access",
    "worker_idle",
    "worker_draining",
    "worker_exit",
)
IN_ARBITER = ("pre_fork", "worker_ready", "child_exit")


class OrderContract(Contract):
    """Order, process and thread of what happens to a worker."""

    def test_the_steps_of_a_life_come_in_their_order(self) -> None:
        """Each in its process, and with the standard library patched or not."""
        with self.serve(records=True) as server:
            pid = server.workers()[0]
            assert ask(server.address).text == str(pid)
            self.wait_for_call(server, "worker_idle")
            server.stop()

            calls = self.called(server)
        assert [each["hook"] for each in calls if each["pid"] == pid] == list(IN_WORKER)
        assert [each["hook"] for each in calls if each["pid"] == server.pid] == list(IN_ARBITER)
        for each in calls:
            assert each["is_patched"] == (self.patches and each["pid"] == pid), each
            if each["hook"] not in ("pre_request", "post_request", "log_access", "worker_idle"):
                assert each["is_main_thread"], each
                assert each.get("worker", pid) == (None if each["hook"] == "pre_fork" else pid)
