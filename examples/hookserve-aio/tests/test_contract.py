"""The contract of all worker models, held by the asyncio worker, and what it promises beyond."""

from hookserve.testing import WorkerContract, wait_until


class TestContract(WorkerContract):
    worker = "aio"
    settings = {"aio_threads": 2}
    requests_to_hang = 2

    def test_a_pool_that_is_stuck_is_silent_however_many_clients_come(self):
        with self.serve(records=True, timeout=1, abort_timeout=0.5) as server:
            for _ in range(2):
                self.begin(server, "/spin")
            self.wait_for_call(server, "pre_request", count=2)

            def come_again():
                self.begin(server, "/").socket.close()
                return self.called(server, "worker_timeout")

            wait_until(come_again)
            (call, *_) = self.called(server, "worker_timeout")
            assert call["requests"] == [
                "GET /spin",
                "GET /spin",
            ]

    def test_a_new_connection_is_left_to_a_worker_with_a_thread_to_spare(self):
        with self.serve(records=True, workers=2) as server:
            for _ in range(3):
                self.begin(server, "/sleep/2")
            self.wait_for_call(server, "pre_request", count=3)
            busy = [call["pid"] for call in self.called(server, "pre_request")]
            full, free = sorted(server.workers().values(), key=lambda pid: -busy.count(pid))

            answers = {self.begin(server, "/").read().text for _ in range(20)}

            assert answers == {str(free)}, f"{full} was full"

    def test_a_thread_that_is_free_again_takes_one_of_those_that_wait(self):
        with self.serve(records=True, workers=2) as server:
            running = [self.begin(server, "/sleep/1") for _ in range(4)]
            self.wait_for_call(server, "pre_request", count=4)
            waiting = [self.begin(server, "/sleep/0.3") for _ in range(12)]

            pids = [client.read().text for client in running + waiting]

            assert sorted(map(pids.count, set(pids)))[0] >= 5, pids
