"""The pool of threads, without a server."""

import logging
import threading

import pytest
from hookserve_gthread.worker import GthreadWorker
from support.workers import make_context

from hookserve.errors import BootError


def test_a_worker_without_its_threads_does_not_become_ready(monkeypatch):
    context, channel = make_context(logging.getLogger("test"), threads=3)

    def refuse(_):
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(threading.Thread, "start", refuse)
    worker = GthreadWorker(context)

    with pytest.raises(BootError, match="cannot start thread 1 of 3: can't start new thread"):
        worker.prepare(context.app)
    context.channel.close()
    channel.close()
