"""pluggy's markers: `hookspec` for specifications, `hookimpl` for what plugins implement."""

import pluggy

PROJECT = "hookserve"
MARK = f"{PROJECT}_impl"
"""The attribute by which `hookimpl` marks a function."""

hookspec = pluggy.HookspecMarker(PROJECT)
hookimpl = pluggy.HookimplMarker(PROJECT)
