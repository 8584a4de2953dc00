"""What a worker is given across the fork."""

import logging
import os

import pytest
from support.workers import make_context

from hookserve.worker.context import ServerView


@pytest.fixture
def context():
    made, ours = make_context(logging.getLogger("test"))
    yield made
    made.channel.close()
    ours.close()


def test_hooks_see_values_of_the_server_that_they_cannot_change(context):
    view = ServerView(os.getppid(), context.config, ("127.0.0.1:8000",), context.server.log)

    assert view == (os.getppid(), context.config, ("127.0.0.1:8000",), context.server.log)
    with pytest.raises(AttributeError):
        view.pid = 1
    with pytest.raises(AttributeError):
        view.something_of_a_hook = 1


def test_a_workers_index_is_its_number_and_no_method_of_tuples(context):
    assert context.index == 0
    assert context._replace(index=3).index == 3


def test_what_a_worker_is_given_stays_as_it_was_given(context):
    with pytest.raises(AttributeError):
        context.app = None

    assert context._replace(app=None).app is None
    assert context.app is not None
