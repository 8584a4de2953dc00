"""The pages of the documentation, and the fenced blocks on them (CommonMark, 4.5)."""

import re
from functools import cache
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parents[2]
PAGES = sorted(
    {
        *ROOT.glob("*.md"),
        *(ROOT / "docs").rglob("*.md"),
        *ROOT.glob("plugins/*/README.md"),
        *ROOT.glob("examples/*/README.md"),
    }
)
_FENCE = re.compile(r" *```(.*)")


class Block(NamedTuple):
    """One fenced block; a label ``python title="hello.py"`` has a language and a title."""

    page: Path
    line: int
    """Of its opening fence, from 1."""
    label: str
    text: str

    @property
    def language(self):
        return self.label.partition(" ")[0]

    @property
    def title(self):
        """The path that the label names, or an empty text."""
        return self.label.partition(' title="')[2].removesuffix('"')

    @property
    def name(self):
        return f"{name_of(self.page)}:{self.line}"


def name_of(page):
    return page.relative_to(ROOT).as_posix()


@cache
def blocks_of(page):
    """The blocks of a page.  Raises `ValueError` for a fence that closes nothing or is not closed:
    a fence with a label closes no block, and what follows would be shown as code."""
    found, label, start, lines = [], None, 0, []
    for number, line in enumerate(page.read_text().splitlines(), 1):
        fence = _FENCE.fullmatch(line)
        if fence is None:
            lines.append(line)
        elif label is None:
            label, start, lines = fence[1].strip(), number, []
        elif fence[1].strip():
            raise ValueError(f"{page}:{number}: {line} inside the block of line {start}")
        else:
            found.append(Block(page, start, label, "".join(f"{each}\n" for each in lines)))
            label, lines = None, []
    if label is not None:
        raise ValueError(f"{page}:{start}: the block is not closed")
    return found


def prose_of(page):
    """The page without its blocks."""
    prose, is_prose = [], True
    for line in page.read_text().splitlines():
        if _FENCE.fullmatch(line):
            is_prose = not is_prose
        elif is_prose:
            prose.append(line)
    return "\n".join(prose)
