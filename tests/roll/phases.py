"""What happens to the hosts while clients ask: each returns what it found wrong, or nothing."""

import os
import signal
from dataclasses import dataclass

from tests.roll.hosts import FILES
from tests.roll.network import cut, delayed, mend

DELAY = 0.05
CUT = 5.0
"""Seconds."""
SHOP = (FILES / "shop.py").read_text()


def nothing(roll):
    """The same load undisturbed."""
    roll.load.run_for(10)


def restart(roll):
    """One host after another stops and starts, with a new release."""
    roll.play("restart")


def reload(roll):
    """The new release by HUP."""
    roll.play("reload")


def upgrade(roll):
    """A new interpreter and server by USR2."""
    roll.play("upgrade")


def kill_an_arbiter(roll):
    """SIGKILL to the arbiter of b; the unit starts it again."""
    b = roll.machines["b"]
    arbiter = b.arbiter
    assert arbiter, "b does not serve"
    with roll.program.suspended():
        roll.most_lost = b.held()
        os.kill(arbiter, signal.SIGKILL)
    roll.wait(lambda: b.arbiter not in (0, arbiter) and b.serves(), "a new arbiter")
    roll.load.run_for(5)


def kill_a_host(roll):
    """SIGKILL to each process of b at once, as a host that loses power; and it comes back."""
    b = roll.machines["b"]
    arbiter = b.arbiter
    assert arbiter, "b does not serve"
    with roll.program.suspended():
        roll.most_lost = b.kill_all()
    roll.wait(lambda: b.arbiter not in (0, arbiter) and b.serves(), "the host again")
    roll.load.run_for(5)


def cut_a_link(roll):
    """The cable of b is pulled for five seconds."""
    with roll.program.suspended():
        roll.most_lost = roll.machines["b"].held()
        cut(roll.machines["b"].host)
    roll.load.run_for(CUT)
    mend(roll.machines["b"].host)
    roll.load.run_for(5)


def delay_a_link(roll):
    """Each packet to and from b takes 50 ms, and the hosts are restarted meanwhile."""
    with delayed(roll.balancer, roll.machines["b"].host, DELAY) as how:
        roll.notes.append(how)
        roll.load.run_for(3)
        roll.play("restart")
        roll.load.run_for(3)


def broken_import(roll):
    """A release that cannot be imported on b: the check before anything is touched finds it."""
    roll.play_broken("reload", _broken(""), serving=3)


def broken_reload(roll):
    """One that passes the check, and cannot be loaded under the unit: `ctl` says so."""
    roll.play_broken("reload", _broken(_UNDER_THE_UNIT), serving=3)


def broken_restart(roll):
    """The same, restarted: b is out of service, c untouched."""
    roll.play_broken("restart", _broken(_UNDER_THE_UNIT), serving=2)
    roll.machines["b"].manage("start", "shop")  # the playbook has pointed back to the old release


_UNDER_THE_UNIT = "'NOTIFY_SOCKET' in os.environ and "


def _broken(condition):
    is_b = "os.path.exists('/srv/shop/is-b')"
    return f"import os\nif {condition}{is_b}:\n    raise RuntimeError('broken on b')\n{SHOP}"


@dataclass(frozen=True)
class Phase:
    """A row of the table."""

    act: object
    is_orderly: bool = True
    """Whether nothing may be lost."""


PHASES = {
    "nothing": Phase(nothing),
    "rolling restart": Phase(restart),
    "rolling reload": Phase(reload),
    "rolling upgrade": Phase(upgrade),
    "50 ms of delay, rolling restart": Phase(delay_a_link),
    "broken release on b, found by the check": Phase(broken_import),
    "broken release on b, reload": Phase(broken_reload),
    "broken release on b, restart": Phase(broken_restart),
    "an arbiter killed": Phase(kill_an_arbiter, is_orderly=False),
    "a host killed": Phase(kill_a_host, is_orderly=False),
    "a link cut for 5 s": Phase(cut_a_link, is_orderly=False),
}
