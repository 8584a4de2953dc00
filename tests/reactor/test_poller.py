"""Both pollers behave alike."""

import os
import select

import pytest

from hookserve.reactor import poller


@pytest.fixture(params=[poller.make_poller])
def made(request):
    found = request.param()
    yield found
    found.close()


def test_readable_descriptors_are_reported(made):
    read, write = os.pipe()
    made.register(read, poller.READABLE)

    assert made.poll(0) == []
    os.write(write, b"x")

    assert made.poll(1.0) == [(read, select.POLLIN)]
    made.unregister(read)
    assert made.poll(0.01) == []
    os.close(read)
    os.close(write)


def test_a_closed_descriptor_is_forgotten(made):
    read, write = os.pipe()
    made.register(read, poller.READABLE)
    os.close(read)
    os.close(write)

    assert made.poll(0.01) == []
    assert made.poll(0.01) == []
