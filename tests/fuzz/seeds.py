"""What fuzzing begins with: the requests of `tests/corpus`."""

from functools import cache
from pathlib import Path

CORPUS = Path(__file__).parent.parent / "corpus"


@cache
def requests(kind="*"):
    """The corpus's requests, whole; `kind` is ``valid`` or ``invalid``."""
    return tuple(path.read_bytes() for path in sorted(CORPUS.glob(f"{kind}/*.http")))


def heads():
    """The corpus's requests up to the empty line."""
    return [data.partition(b"\r\n\r\n")[0] + b"\r\n\r\n" for data in requests()]


def chunked_bodies():
    """What follows the heads that announce chunks."""
    parts = [data.partition(b"\r\n\r\n") for data in requests()]
    return [body for head, _, body in parts if b"chunked" in head.lower()]
