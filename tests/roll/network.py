"""Hosts that are namespaces: each has a network and a file system of its own on this machine.

The load balancer's host has the bridge, 10.77.0.1; the others are plugged into it.  Nothing of it
is in the network of the machine itself.  A host is entered by the process that holds its
namespaces (nsenter(1)); it ends with that process, and with the one that made it.
"""

import contextlib
import subprocess
import sys
from pathlib import Path

from tests.roll.relay import DEVICE
from tests.support.machine import lacking

ROOT = Path(__file__).parents[2]
BALANCER = "10.77.0.1"
HOSTS = {"a": "10.77.0.11", "b": "10.77.0.12", "c": "10.77.0.13"}
LINK = "eth0"
"""The interface of each host; at the other end, in the bridge, it has the name of the host."""
_PROGRAMS = ("ip", "tc", "ss", "nsenter", "setpriv", "unshare", "mount", "curl", "haproxy", "nginx")
_UNTIL_WE_END = ("setpriv", "--pdeathsig", "TERM")
# What holds the namespaces: it says that they are there, and waits for the end of its input.
_HOLDER = "import sys; print(flush=True); sys.stdin.read()"


def missing():
    """What this machine lacks for the test, in one line; empty: nothing."""
    packages = "iproute2 curl haproxy nginx"
    if absent := lacking(_PROGRAMS, packages, "network namespaces, mounts"):
        return absent
    made = subprocess.run(["unshare", "--net", "--mount", "true"], capture_output=True, text=True)
    return made.stderr.strip()


class Host:
    """One namespace of network and mounts."""

    def __init__(self, name):
        self.name = name
        self._holder = subprocess.Popen(
            ["unshare", "--net", "--mount", sys.executable, "-c", _HOLDER],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        self._holder.stdout.readline()
        self.run("ip", "link", "set", "lo", "up")

    @property
    def pid(self):
        """Of the process that holds the namespaces."""
        return self._holder.pid

    @property
    def prefix(self):
        """What a command line begins with to be run there."""
        return ["nsenter", f"--target={self.pid}", "--net", "--mount", "--"]

    def run(self, *command, check=True):
        """Run a command there; its output.  Raises `AssertionError` with its errors."""
        done = subprocess.run([*self.prefix, *command], capture_output=True, text=True)
        assert not check or done.returncode == 0, f"{' '.join(command)}: {done.stderr.strip()}"
        return done.stdout

    def start(self, *command, **settings):
        """Start a command there; it gets TERM when this process ends, however it does."""
        return subprocess.Popen([*self.prefix, *_UNTIL_WE_END, *command], **settings)

    def mount_empty(self, *folders):
        """Give the host folders of its own, in memory."""
        for folder in folders:
            self.run("mount", "-t", "tmpfs", "tmpfs", folder)

    def mount(self, source, target):
        """Show a file or a folder of the machine elsewhere."""
        self.run("mount", "--bind", str(source), str(target))

    def connections(self, port):
        """How many clients are connected to a port."""
        words = ("ss", "-Htn", "state", "established", f"( sport = :{port} )")
        return len(self.run(*words).splitlines())

    def close(self):
        self._holder.stdin.close()
        self._holder.stdout.close()
        self._holder.wait()


@contextlib.contextmanager
def network():
    """The balancer's host and the others, connected."""
    with contextlib.ExitStack() as stack:
        balancer = stack.enter_context(contextlib.closing(Host("balancer")))
        balancer.run("ip", "link", "add", "bridge", "type", "bridge")
        balancer.run("ip", "addr", "add", f"{BALANCER}/24", "dev", "bridge")
        balancer.run("ip", "link", "set", "bridge", "up")
        hosts = {}
        for name in HOSTS:
            hosts[name] = stack.enter_context(contextlib.closing(Host(name)))
            _plug(balancer, hosts[name])
        yield balancer, hosts


def _plug(balancer, host):
    ends = ("ip", "link", "add", "name", host.name, "type", "veth", "peer", "name", LINK)
    balancer.run(*ends, "netns", str(host.pid))
    balancer.run("ip", "link", "set", "dev", host.name, "master", "bridge", "up")
    host.run("ip", "addr", "add", f"{HOSTS[host.name]}/24", "dev", LINK)
    host.run("ip", "link", "set", LINK, "up")


def cut(host):
    """Pull the cable of a host."""
    host.run("ip", "link", "set", LINK, "down")


def mend(host):
    host.run("ip", "link", "set", LINK, "up")


@contextlib.contextmanager
def delayed(balancer, host, seconds):
    """A slow cable between the two: every packet is so much later, in both directions."""
    netem = ("root", "netem", "delay", f"{seconds * 1000:g}ms")
    tried = [*host.prefix, "tc", "qdisc", "add", "dev", LINK, *netem]
    if subprocess.run(tried, capture_output=True).returncode == 0:
        balancer.run("tc", "qdisc", "add", "dev", host.name, *netem)
        try:
            yield "netem"
        finally:
            for place, device in ((balancer, host.name), (host, LINK)):
                place.run("tc", "qdisc", "del", "dev", device, "root")
        return
    words = [str(balancer.pid), str(host.pid), str(seconds)]
    command = [sys.executable, "-m", "tests.roll.relay", *words]
    with subprocess.Popen(command, stdout=subprocess.PIPE, cwd=ROOT) as relay:
        try:
            assert relay.stdout.readline(), "no tun device (/dev/net/tun)"
            addresses = (BALANCER, HOSTS[host.name])
            for place, own, other in zip((balancer, host), addresses, addresses[::-1], strict=True):
                place.run("ip", "link", "set", "dev", DEVICE, "up")
                place.run("ip", "route", "add", f"{other}/32", "dev", DEVICE, "src", own)
            yield "a relay"
        finally:
            relay.kill()  # its devices go with it, and the routes with the devices
