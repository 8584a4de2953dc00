"""What is wrong is said first, and nothing is said of a server that is well."""

import pytest
from hookserve_status.faults import find_faults

from hookserve.worker.server_record import Exit


def worker(
    index=0,
    state="ready",
    busy=0,
    capacity=2,
    silent=0.0,
    oldest=None,
    generation=1,
    lag=0.0,
    age=1.0,
):
    in_flight = [] if oldest is None else [{"label": "GET /x", "id": "", "seconds": oldest}]
    return {
        "index": index,
        "pid": 100 + index,
        "generation": generation,
        "state": state,
        "busy": busy,
        "capacity": capacity,
        "silent_seconds": silent,
        "in_flight": in_flight,
        "fields": {"loop_lag_seconds": [lag]},
        "age_seconds": age,
    }


def rates(requests, server_errors, refused=0.0):
    return {"requests": requests, "server_errors": server_errors, "refused": refused}


def snapshot(*workers, **changes):
    found = {
        "workers": list(workers or (worker(),)),
        "wanted": len(workers or (1,)),
        "is_draining": False,
        "timeout": 30.0,
        "boot_timeout": 0.0,
        "is_stopping": False,
        "pid": 9,
        "arbiter_is_stopped": False,
        "arbiter_overdue_seconds": 0.0,
        "time": 1000.0,
        "generation": 1,
        "queues": [{"address": "127.0.0.1:8000", "length": 0, "limit": 100}],
        "rates": rates(10.0, 0.0),
        "reload": {"wanted": 0, "ended": 0, "generation": 1},
        "reloads": [],
        "exits": {"latest": []},
        "certificates": [],
    }
    return found | changes


def certificate(days_left, is_replaced=False):
    return {"file": "c", "days_left": days_left, "is_replaced": is_replaced}


def request(seconds):
    return {"label": "GET /x", "id": "", "seconds": seconds}


def gone(reason, at=990.0):
    exit_ = Exit(1, at, 0, 7, 1.0, reason)
    return {**exit_._asdict(), "is_orderly": exit_.is_orderly}


def faults_of(*workers, **changes):
    return [(each["level"], each["text"]) for each in find_faults(snapshot(*workers, **changes))]


QUEUE = {"address": "127.0.0.1:8000", "limit": 100}


def test_a_server_that_is_well_has_none():
    assert faults_of(worker(0, busy=1), worker(1)) == []


@pytest.mark.parametrize(
    ("found", "level", "text"),
    [
        (faults_of(worker(state="booting")), "error", "No worker is ready"),
        (faults_of(worker(), worker(1, "booting")), "warning", "1 of 2 workers are ready"),
        (
            faults_of(worker(busy=2)),
            "warning",
            "Every place is busy (2 of 2), and no connection waits",
        ),
        (
            faults_of(worker(busy=2), queues=[{**QUEUE, "length": 7}]),
            "error",
            "Every place is busy (2 of 2), and 7 connections wait",
        ),
        (faults_of(queues=[{**QUEUE, "length": 3}]), "warning", "3 connections wait"),
        (faults_of(worker(silent=25.0)), "error", "has been silent for 25 s and is ended at 30 s"),
        (faults_of(worker(silent=45.0)), "error", "silent for 45 s and was to be ended at 30 s"),
        (faults_of(worker(oldest=7.0)), "warning", "has run a request for 7 s: GET /x"),
        (faults_of(worker(capacity=1, oldest=7.0)), "error", "is stuck: each of its places"),
        (
            faults_of(rates=rates(100.0, 5.0)),
            "warning",
            "5% of the requests end with a server error",
        ),
        (faults_of(rates=rates(10.0, 5.0)), "error", "50% of the requests"),
        (
            faults_of(reload={"wanted": 1, "ended": 0, "generation": 2}),
            "warning",
            "A reload is under way: 1 worker is left of the old generation",
        ),
        (
            faults_of(reloads=[{"is_complete": 0, "reason": "no module"}]),
            "error",
            "The last reload failed, generation 1 serves on: no module",
        ),
        (
            faults_of(exits={"latest": [gone("killed (X)")]}),
            "warning",
            "Worker 0 (pid 7) was lost 10 s ago: killed (X)",
        ),
        (faults_of(certificates=[certificate(3.0)]), "warning", "expires in 3 days."),
        (faults_of(certificates=[certificate(1.5)]), "warning", "expires in 36 hours."),
        (faults_of(certificates=[certificate(0.05)]), "error", "expires in 1 hour."),
        (faults_of(certificates=[certificate(-2.0)]), "error", "c has expired."),
        (
            faults_of(certificates=[certificate(3.0, is_replaced=True)]),
            "warning",
            "expires in 3 days, and the one in its place is served after a reload",
        ),
        (faults_of(certificates=[certificate(None)]), "warning", "cannot be read"),
        (
            faults_of(worker(silent=25.0) | {"in_flight": [request(50.0), request(25.0)]}),
            "error",
            "is ended at 30 s: one of 2 requests (hookserve ctl stacks 0)",
        ),
        (faults_of(worker(silent=31.0)), "error", "and is being ended, for timeout is 30 s"),
        (
            faults_of(worker(state="draining", silent=40.0), worker(1)),
            "error",
            "has been silent for 40 s, and graceful_timeout ends it",
        ),
        (
            faults_of(reload={"wanted": 1, "ended": 0, "generation": 1}),
            "warning",
            "A reload is under way: the new code is being loaded, and no worker has it yet.",
        ),
        (
            faults_of(worker(busy=2), queues=[]),
            "warning",
            "and the kernel does not say how many connections wait",
        ),
        (
            faults_of(is_draining=True, is_stopping=True, workers=[]),
            "warning",
            "The server is stopping.",
        ),
        (
            faults_of(worker(0, oldest=12.0), is_draining=True),
            "warning",
            "The server is stopping: it accepts connections until drain_delay is over.",
        ),
        (
            faults_of(
                worker(0, "draining", oldest=12.0),
                worker(1),
                is_draining=True,
                is_stopping=True,
            ),
            "warning",
            "The server is stopping: it waits for 1 request in flight, the oldest has run for 12 s",
        ),
        (
            faults_of(worker(capacity=1000, oldest=9.0, lag=2.0)),
            "warning",
            "serves no other connection: the event loop has been blocked for 2 s",
        ),
        (faults_of(worker(capacity=1000, oldest=9.0, lag=6.0)), "error", "been blocked for 6 s"),
        (
            faults_of(worker(), worker(0, "booting", age=70.0)),
            "warning",
            "has been booting for 70 s, and boot_timeout does not end it",
        ),
        (faults_of(arbiter_is_stopped=True), "error", "The arbiter (pid 9) is stopped (SIGSTOP"),
        (
            faults_of(arbiter_overdue_seconds=12.0),
            "error",
            "The arbiter (pid 9) has not done for 12 s what is due: no worker is started",
        ),
        (faults_of(wanted=0, workers=[]), "error", "No worker is wanted: nothing is served"),
    ],
)
def test_each_fault_is_one_line(found, level, text):
    assert any(level == each[0] and text in each[1] for each in found), found


def test_long_requests_of_a_worker_with_many_places_are_no_fault():
    assert faults_of(worker(capacity=1000, oldest=7200.0)) == []


def test_a_full_queue_is_an_error():
    found = faults_of(queues=[{**QUEUE, "length": 100}])

    assert found[0][0] == "error"
    assert "is full" in found[0][1]


def test_old_exits_and_orderly_ones_are_no_fault():
    latest = [gone("recycled (max_requests)"), gone("killed (SIGKILL)", at=10.0)]

    assert faults_of(exits={"latest": latest}) == []


def test_requests_that_are_refused_are_no_errors_of_the_application():
    text = "69% of the requests are refused with 503: they have waited longer than queue_timeout."

    assert faults_of(rates=rates(3.1, 0.0, 6.9)) == [("error", text)]
    assert faults_of(rates=rates(3.1, 1.0, 6.9)) == [
        ("error", text),
        ("error", "32% of the other requests end with a server error (5xx)."),
    ]


def test_several_lost_workers_are_counted():
    latest = [gone("exited (code 3)", at=at) for at in (995.0, 990.0, 980.0, 600.0)]

    ((level, text),) = faults_of(exits={"latest": latest})

    assert level == "error"
    assert text == "Worker 0 (pid 7) was lost 5 s ago: exited (code 3); 3 in the last 5 minutes"


def test_workers_that_are_replaced_for_their_memory_again_and_again_are_a_fault():
    latest = [gone("recycled (memory: 74 MiB of 60 MiB)", at=at) for at in (995.0, 980.0)]

    assert faults_of(exits={"latest": latest[:1]}) == []
    ((level, text),) = faults_of(exits={"latest": latest})
    assert level == "warning"
    assert text == (
        "2 workers were recycled in the last 5 minutes, the last one 5 s ago:"
        " memory: 74 MiB of 60 MiB"
    )


def test_a_worker_that_boots_is_no_fault_at_first_nor_where_boot_timeout_ends_it():
    assert faults_of(worker(), worker(0, "booting", age=5.0), wanted=1) == []
    found = faults_of(worker(), worker(0, "booting", age=70.0), wanted=1, boot_timeout=90.0)
    assert found == [
        ("warning", "Worker 0 (pid 100) has been booting for 70 s and is ended at 90 s")
    ]


def test_many_stuck_workers_are_one_fault():
    found = faults_of(*(worker(number, capacity=1, oldest=9.0) for number in range(20)))

    assert len(found) == 4
    assert found[-1][1] == "17 more workers are in the same state."


def over_the_limit(index, size, kept=1, state="ready"):
    found = worker(index, state)
    found["fields"] |= {
        "memory_measured_bytes": [size << 20],
        "memory_limit_bytes": [60 << 20],
        "kept_over_memory_limit": [kept],
    }
    return found


def test_a_worker_that_is_kept_though_it_exceeds_memory_limit_is_a_fault():
    ((level, text),) = faults_of(over_the_limit(0, 297), over_the_limit(1, 70, kept=0))

    assert level == "error"
    assert text == (
        "Worker 0 (pid 100) takes 297 MiB, memory_limit is 60 MiB, and it is not replaced: a"
        " replacement exceeded the limit when it was first measured (raise memory_limit, or mend"
        " what leaks)."
    )
    assert len(faults_of(*(over_the_limit(number, 99) for number in range(9)))) == 4
