"""The end of a forked process, which nothing may hold back."""

from __future__ import annotations

import atexit
import os
import sys
from collections.abc import Callable
from typing import NoReturn


def run_to_end(
    body: Callable[[], int], on_error: Callable[[], None], exit_callback: Callable[[], None]
) -> NoReturn:
    """Run `body` and end the process with the exit code that it returns or exits with; with 1
    after any other exception, which `on_error` is called for."""
    code = 1
    try:
        code = body()
    except SystemExit as error:
        code = error.code if isinstance(error.code, int) else int(error.code is not None)
    except BaseException:
        on_error()
    finally:
        end_process(code, exit_callback)


def end_forked_child(error: BaseException | None = None) -> NoReturn:
    """End a child that the application forked and that has returned into the server's code.

    With the exit code that `error` asks for, as the interpreter would; the exit handlers belong to
    the process that registered them.
    """
    code = 0
    if isinstance(error, SystemExit):
        code = error.code if isinstance(error.code, int) else int(error.code is not None)
    elif error is not None:
        code = 1
        sys.excepthook(type(error), error, error.__traceback__)
    try:
        sys.stdout.flush()
        sys.stderr.flush()
    finally:
        os._exit(code)


def end_process(code: int, exit_callback: Callable[[], None]) -> NoReturn:
    """Call `exit_callback`, run the exit handlers, and end with that exit code, 1 at least when
    they fail.

    The interpreter's own exit would join threads, perhaps for ever.
    """
    try:
        exit_callback()
        atexit._run_exitfuncs()
        sys.stdout.flush()
        sys.stderr.flush()
    except BaseException:
        code = code or 1
    finally:
        os._exit(code)
