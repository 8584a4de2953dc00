"""The limit on descriptors follows the connections that are asked for."""

import subprocess
import sys

import pytest

pytestmark = pytest.mark.process

SCRIPT = """
import resource, sys
soft, hard, connections = map(int, sys.argv[1:])
resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
from hookserve.launch.limits import allow_descriptors
print(allow_descriptors(connections))
print(resource.getrlimit(resource.RLIMIT_NOFILE)[0])
"""


def run(soft, hard, connections):
    words = [sys.executable, "-c", SCRIPT, str(soft), str(hard), str(connections)]
    return subprocess.run(words, capture_output=True, text=True, check=True).stdout.splitlines()


def test_the_soft_limit_is_raised_as_far_as_it_must_be():
    assert run(256, 4096, 1000) == ["", "1128"]


def test_a_limit_that_suffices_is_left_alone():
    assert run(2048, 4096, 1000) == ["", "2048"]


def test_a_hard_limit_that_is_too_low_is_said():
    message, soft = run(256, 512, 1000)

    assert message.startswith("worker_connections is 1000, but a process may have 512 descriptors")
    assert soft == "512"
