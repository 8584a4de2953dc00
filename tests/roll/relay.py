"""A slow cable: ``python -m tests.roll.relay PID PID SECONDS`` carries packets between two tun
devices, each in the network of a process, and delivers each so much later.

It is for kernels without netem.  A line on standard output says that the devices are there.
"""

import ctypes
import fcntl
import os
import select
import struct
import sys
import time
from collections import deque

DEVICE = "slow"
_TUNSETIFF, _IFF_TUN, _IFF_NO_PI = 0x400454CA, 0x1, 0x1000
_CLONE_NEWNET = 0x40000000
_MOST = 65536


def device_in(pid):
    """The descriptor of a tun device in the network of a process.  Raises `OSError`."""
    libc = ctypes.CDLL(None, use_errno=True)
    namespace = os.open(f"/proc/{pid}/ns/net", os.O_RDONLY)
    try:
        if libc.setns(namespace, _CLONE_NEWNET):
            raise OSError(ctypes.get_errno(), "setns")
    finally:
        os.close(namespace)
    opened = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK)
    fcntl.ioctl(opened, _TUNSETIFF, struct.pack("16sH22x", DEVICE.encode(), _IFF_TUN | _IFF_NO_PI))
    return opened


def relay(one, other, delay):
    """Carry packets both ways until an end is closed; what comes first is delivered first."""
    ends, waiting = {one: other, other: one}, deque()
    while True:
        now = time.monotonic()
        while waiting and waiting[0][0] <= now:
            _, end, packet = waiting.popleft()
            _deliver(end, packet)
        limit = waiting[0][0] - now if waiting else None
        for ready in select.select(list(ends), [], [], limit)[0]:
            packet = os.read(ready, _MOST)
            if not packet:
                return
            waiting.append((time.monotonic() + delay, ends[ready], packet))


def _deliver(end, packet):
    try:
        os.write(end, packet)
    except OSError:
        pass  # lost, as packets are when a device is down or full


if __name__ == "__main__":
    devices = [device_in(pid) for pid in sys.argv[1:3]]
    print(flush=True)
    relay(*devices, float(sys.argv[3]))
