"""The command: build the recipe, and have each phase happen to a container of each kind."""

import argparse
import contextlib
import functools
import signal
import sys
import tempfile
from pathlib import Path

from tests.image import deploys, kamal
from tests.image.engine import Container, build, keep_to_limits, missing, remove_image
from tests.image.phases import KINDS, PHASES, PORT, Kind, Scene
from tests.image.pod import Pod
from tests.image.rows import HEAD, Row, run, shown

POD, KAMAL = "a pod of podman's", "a host of Kamal"
LOCAL = "127.0.0.1"


def main():
    parser = argparse.ArgumentParser(prog="python -m tests.image", description=__doc__)
    parser.add_argument("--only", default="", metavar="WORDS", help="of a container's kind")
    only = parser.parse_args().only
    if lacking := missing() or kamal.missing():
        print(f"make image: {lacking}", file=sys.stderr)
        return 2
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda number, _: sys.exit(128 + number))
    with tempfile.TemporaryDirectory(prefix="image-") as name, contextlib.ExitStack() as stack:
        keep_to_limits(Path(name))
        image = build(Path(name))
        stack.callback(remove_image)
        print(
            f"The image has {image.size / 1e6:.0f} MB, {image.own_size / 1e6:.0f} of them its own; "
            f"built in {image.seconds:.0f} s.\n\n{HEAD}",
            flush=True,
        )
        rows = [
            row
            for kind in KINDS
            if only in kind
            for row in _rows(kind, KINDS[kind], functools.partial(Container, *KINDS[kind].options))
        ]
        if only in POD:
            rows += _rows(
                POD, Kind((), has_tmp=True), functools.partial(Pod, Path(name) / "kubernetes.yaml")
            )
        if only in KAMAL:
            rows += _rows_of_kamal(Path(name) / "kamal")
    return 1 if any(row.verdict for row in rows) else 0


def _rows(name, kind, start):
    """The rows of a container of a kind."""
    try:
        started = start()
    except AssertionError as error:
        yield shown(Row(name, "start", None, "", str(error)))
        return
    with contextlib.closing(started) as container:
        for phase, act in PHASES.items():
            make = functools.partial(Scene, container, kind)
            has_ended = functools.partial(_has_ended, container)
            yield shown(
                run(name, phase, act, make, (LOCAL, PORT), container.prefix, has_ended),
                lambda: container.log,
            )


def _has_ended(container):
    return not container.is_running


def _rows_of_kamal(folder):
    """The rows of a host that Kamal deploys to."""
    with kamal.Shop(folder) as shop:
        with shop.kamal(*deploys.FIRST) as first:
            first.wait(kamal.LIMIT)
        if first.returncode:
            problem = f"exit code {first.returncode}"
            yield shown(Row(KAMAL, "start", None, "", problem), lambda: shop.log)
            return
        for phase, act in deploys.DEPLOYS.items():
            make = functools.partial(deploys.Scene, shop)
            yield shown(
                run(KAMAL, phase, act, make, (LOCAL, kamal.PORT), shop.prefix), lambda: shop.log
            )


if __name__ == "__main__":
    sys.exit(main())
