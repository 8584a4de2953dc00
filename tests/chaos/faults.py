"""The faults: what is done to a server under load, each a function that is given the scene.

`FAULTS` is the table; a name in it is a column's word in the report.
"""

import contextlib
import os
import random
import signal
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from hookserve.testing.suspending import suspended
from tests.chaos.scene import connect, is_alive, starve

RATE = 4000.0


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that goes wrong, or that an operator does."""

    inflict: Callable
    settings: Mapping = field(default_factory=dict)
    arguments: tuple = ()
    is_gapless: bool = True
    """Whether clients must not notice a pause either."""
    goes_on: bool = True
    """Whether the server is there afterwards."""
    rate: float = RATE
    """Requests in a second."""
    kept: int = 12
    """Connections that are kept, of 16."""


def nothing(scene):
    """The same load, and no fault: what the machine itself does to the figures."""
    scene.load.run_for(2.0)


def reload_ten_times(scene, count=10):
    """HUP, again as soon as the last one is done."""
    for _ in range(count):
        scene.reload()


def reload_preloaded(scene):
    """HUP with --preload: the arbiter re-executes itself."""
    for _ in range(3):
        scene.reload()


def reload_broken_code(scene):
    """HUP with code that cannot be imported; then with code that can."""
    before = scene.server.workers()
    (scene.directory / "broken").touch()
    for count in (1, 2):
        scene.signal(signal.SIGHUP)
        scene.wait(lambda count=count: len(scene.events("reload failed")) >= count, "the failure")
    scene.load.run_for()
    assert scene.server.workers() == before, "a broken reload has touched the old workers"
    assert "the new code is broken" in scene.server.log.strip().splitlines()[-1], "not said last"
    (scene.directory / "broken").unlink()
    scene.reload()


def more_and_fewer(scene):
    """TTIN and TTOU, faster than workers boot."""
    for _ in range(30):
        scene.signal(random.choice((signal.SIGTTIN, signal.SIGTTIN, signal.SIGTTOU)))
        scene.load.run_for(0.02)
        scene.signal(signal.SIGTTOU)
        scene.load.run_for(0.02)
    for _ in range(12):
        scene.signal(signal.SIGTTOU)
        scene.load.run_for(0.05)
    scene.signal(signal.SIGTTIN)
    scene.wait_for_two()


def recycle_by_requests(scene, count=10):
    """max_requests with jitter, as often as replacements boot."""
    scene.wait(lambda: len(scene.events("exit")) >= count, f"{count} recycled workers")


def recycle_by_age(scene):
    """max_lifetime."""
    scene.wait(lambda: len(scene.events("exit")) >= 8, "8 recycled workers")


def kill_workers(scene, count=5):
    """KILL from outside, one worker after another; what it held may be lost, nothing else."""
    for _ in range(count):
        victim = random.choice(list(scene.server.workers().values()))
        scene.hold(victim)
        os.kill(victim, signal.SIGKILL)
        scene.wait(lambda victim=victim: victim not in scene.server.workers().values(), "its end")
        scene.wait_for_two()


def stuck_in_c(scene):
    """A request that never leaves C; the timeout is a second."""
    for _ in range(2):
        timeouts, exits = len(scene.events("timeout")), len(scene.events("exit"))
        ask = b"GET /in-c HTTP/1.1\r\nHost: chaos\r\n\r\n"
        with connect(scene.server.address, ask) as client:
            scene.wait(lambda count=timeouts: len(scene.events("timeout")) > count, "the timeout")
            # It lives on until abort_timeout, but runs nothing else any more.
            late, port = scene.events("timeout")[-1]["pid"], client.getsockname()[1]
            scene.note_held(late)
            assert port in scene.held, f"worker {late} has timed out, and has no request in C"
            del scene.held[port]  # it is no request of the load
            scene.wait(lambda count=exits: len(scene.events("exit")) > count, "its end")
        victim = scene.events("exit")[-1]
        assert victim["kind"] == "timed out", victim
        scene.wait_for_two()


def upgrade(scene):
    """USR2, and TERM to the old one."""
    successor = _start_successor(scene)
    scene.signal(signal.SIGTERM)
    assert scene.server.wait() == 0, "the predecessor did not end well"
    scene.load.run_for(1.0)
    _end(scene, successor)


def upgrade_back(scene):
    """USR2, and TERM to the new one; then forth after all."""
    successor = _start_successor(scene)
    _end_successor(scene, successor)
    scene.load.run_for()
    upgrade(scene)


def stop(scene):
    """TERM: what was sent before is answered, afterwards connections are refused."""
    scene.load.run_for(0.5)
    scene.load.announce_stop()
    scene.signal(signal.SIGTERM)
    assert scene.server.wait() == 0, "the server did not end well"
    scene.is_stopped = True


def bad_clients(scene):
    """50 silent ones, 25 that send slowly, 25 that read slowly."""
    address = scene.server.address
    with contextlib.ExitStack() as stack:
        for _ in range(50):
            stack.enter_context(connect(address))
        senders = [stack.enter_context(connect(address, b"GET / HTTP/1.1\r\n")) for _ in range(25)]
        ask = b"GET /large HTTP/1.1\r\nHost: chaos\r\n\r\n"
        readers = [stack.enter_context(connect(address, ask, 4096)) for _ in range(25)]

        def move():
            for each in (*senders, *readers):
                with contextlib.suppress(OSError):
                    each.send(b"X") if each in senders else each.recv(1024)

        deadline = time.monotonic() + 4.0
        while time.monotonic() < deadline:
            move()
            scene.load.run_for(0.2)
        scene.reload()


def full_disk(scene):
    """No room for any log, at a reload and at the reopening of the logs too."""
    for _ in range(2):
        scene.signal(signal.SIGUSR1)
        scene.load.run_for()
        scene.reload()


def no_descriptors(scene):
    """One worker, then the other, may open nothing more (EMFILE)."""
    for pid in scene.server.workers().values():
        give_back = starve(pid)
        scene.load.run_for(1.5)
        give_back()
        scene.load.run_for(0.7)


def no_processes(scene):
    """The arbiter cannot fork, at a reload and when a worker more is wanted."""
    flag = scene.directory / "no-forks"
    flag.touch()
    count = len(scene.events("reloaded"))
    scene.signal(signal.SIGHUP)
    scene.load.run_for(1.5)
    scene.signal(signal.SIGUSR2)
    scene.load.run_for(1.0)
    assert "cannot fork" in scene.server.log, "no fork has failed"
    flag.unlink()
    scene.wait(lambda: len(scene.events("reloaded")) > count, "the reload afterwards")


def held_arbiter(scene):
    """The arbiter is stopped for three seconds, the timeout is two."""
    before = scene.server.workers()
    with suspended([scene.server.pid]):
        scene.load.run_for(3.0)
    scene.load.run_for(1.0)
    assert scene.server.workers() == before, "a worker was blamed for its arbiter's absence"


def held_worker(scene):
    """A worker is stopped for less than its timeout: no request is lost, its clients wait."""
    before = scene.server.workers()
    for pid in before.values():
        with suspended([pid]):
            scene.load.run_for(1.2)
        scene.load.run_for(0.5)
    assert scene.server.workers() == before, "a worker was ended that was in time"


def held_machine(scene):
    """All processes are stopped for three seconds, as when a laptop sleeps; the timeout is two."""
    before = scene.server.workers()
    with suspended([scene.server.pid, *before.values()]):
        time.sleep(3.0)  # longer than the timeout
    scene.load.run_for(1.5)
    assert scene.server.workers() == before, "a worker was blamed for a suspended machine"


def wild_clock(scene):
    """The wall clock jumps by a day whenever it is read: no worker has overrun its time."""
    before = scene.server.workers()
    scene.load.run_for(3.0)
    assert scene.server.workers() == before, "a worker was blamed for a clock"
    reload_ten_times(scene, 3)
    days = {line[1:11] for line in scene.server.log.splitlines() if line[:3] == "[20"}
    assert len(days) > 1, "the clock has not jumped"


def _start_successor(scene):
    count = len(scene.events("successor ready"))
    scene.signal(signal.SIGUSR2)
    scene.wait(lambda: len(scene.events("successor ready")) > count, "the successor")
    scene.load.run_for(0.7)  # until its second worker serves too
    return scene.events("successor ready")[-1]["successor"]


def _end_successor(scene, pid):
    os.kill(pid, signal.SIGTERM)
    scene.wait(lambda: not is_alive(pid), "the end of the successor")


def _end(scene, pid):
    """The successor has no parent here: the scene must end it."""
    scene.load.announce_stop()
    os.kill(pid, signal.SIGTERM)
    scene.wait(lambda: not is_alive(pid), "the end of the successor")
    scene.is_stopped = True


FAULTS = {
    "nothing": Fault(nothing),
    "HUP x10": Fault(reload_ten_times),
    "HUP x10, quiet load": Fault(reload_ten_times, rate=100.0),
    "HUP x3, preloaded": Fault(reload_preloaded, arguments=("--preload",)),
    "HUP, broken code": Fault(reload_broken_code),
    "TTIN/TTOU storm": Fault(more_and_fewer),
    "max_requests=200": Fault(
        recycle_by_requests, {"max_requests": 200, "max_requests_jitter": 100}
    ),
    "max_lifetime=0.5": Fault(recycle_by_age, {"max_lifetime": 0.5, "max_lifetime_jitter": 0.2}),
    "max_requests=5, quiet": Fault(recycle_by_requests, {"max_requests": 5}, rate=100.0),
    "kill -9 x5": Fault(kill_workers, is_gapless=False),
    "stuck in C x2": Fault(stuck_in_c, {"timeout": 1, "abort_timeout": 2}, is_gapless=False),
    "USR2": Fault(upgrade, goes_on=False),
    "USR2 and back": Fault(upgrade_back, goes_on=False),
    "TERM": Fault(stop, goes_on=False),
    "100 bad clients": Fault(bad_clients),
    "6 places a worker": Fault(reload_ten_times, {"worker_connections": 6}),
    "full disk": Fault(full_disk, {"access_logfile": "/dev/full", "log_file": "/dev/full"}),
    "no descriptors": Fault(no_descriptors),
    "no processes": Fault(no_processes, arguments=("-P", "tests.chaos.no_forks")),
    "arbiter held 3 s": Fault(held_arbiter, {"timeout": 2}),
    "worker held 1.2 s": Fault(held_worker, {"timeout": 3}, is_gapless=False),
    "clock jumps": Fault(
        wild_clock, {"timeout": 1, "max_lifetime": 60}, ("-P", "tests.chaos.wild_clock")
    ),
    "all held 3 s": Fault(held_machine, {"timeout": 2}, is_gapless=False),
}
