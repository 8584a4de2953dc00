"""An event loop and a starter of coroutines, driven turn by turn."""

from contextvars import ContextVar

BEFORE = ContextVar("before")
"""Set before the starter is made, as when the application is imported."""


def turns(loop, count=4):
    """Let the loop do what is due."""
    for _ in range(count):
        loop.call_soon(loop.stop)
        loop.run_forever()


def start(loop, starter, coroutine):
    """Start within a callback of the loop, as a worker does; its task, or what it has raised."""
    found = []

    def call():
        try:
            found.append(starter.start(coroutine))
        except BaseException as error:
            found.append(error)

    loop.call_soon(call)
    while not found:
        turns(loop, 1)
    return found[0]


def finish(loop, task):
    """What the task returns or raises."""
    turns_left = 200
    while not task.done():
        turns(loop, 1)
        turns_left -= 1
        assert turns_left
    return task.result()


def run(loop, starter, coroutine):
    """Start a coroutine that suspends, and run it to its end."""
    return finish(loop, start(loop, starter, coroutine))


async def nothing():
    """Ends at once."""
