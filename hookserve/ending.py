"""The end of a worker's process, which nothing may hold back."""

from __future__ import annotations

import atexit
import os
import sys
from collections.abc import Callable
from typing import NoReturn


def end_process(code: int, last_words: Callable[[], None]) -> NoReturn:
    """Say the last words, run the exit handlers, and end with that exit code, 1 at least when
    they fail.

    The interpreter's own exit would join threads, perhaps for ever.
    """
    try:
        last_words()
        atexit._run_exitfuncs()
        sys.stdout.flush()
        sys.stderr.flush()
    except BaseException:
        code = code or 1
    finally:
        os._exit(code)
