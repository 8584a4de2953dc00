"""pluggy's markers: `hookspec` for specifications, `hookimpl` for what plugins implement."""

import pluggy

PROJECT = "hookserve"

hookspec = pluggy.HookspecMarker(PROJECT)
hookimpl = pluggy.HookimplMarker(PROJECT)
