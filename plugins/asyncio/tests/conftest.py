"""What the tests of coroutines share."""

import pytest
from hookserve_asyncio.coroutines import CoroutineStarter
from hookserve_asyncio.loops import make_loop
from support.coroutines import BEFORE, turns


@pytest.fixture(params=["asyncio", "uvloop"])
def loop(request):
    """Each event loop."""
    if request.param == "uvloop":
        pytest.importorskip("uvloop")
    loop = make_loop(request.param)
    unhandled = []
    loop.set_exception_handler(lambda _, context: unhandled.append(context))
    yield loop
    loop.close()
    assert not unhandled


@pytest.fixture
def starter(loop):
    """Starts coroutines on the loop."""
    token = BEFORE.set([])
    starter = CoroutineStarter(loop)
    BEFORE.reset(token)
    yield starter
    starter.close()
    turns(loop)
