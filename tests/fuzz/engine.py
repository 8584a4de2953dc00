"""One target under atheris, in this process: ``python -m tests.fuzz.engine NAME [OPTION...]``.

The options are libFuzzer's; the process ends with them.
"""

import sys
from pathlib import Path

import atheris

PLUGINS = Path(__file__).parent.parent.parent / "plugins"
PACKAGES = ["hookserve", *(path.name for path in PLUGINS.glob("*/hookserve_*"))]

with atheris.instrument_imports(include=PACKAGES):
    from tests.fuzz import targets

    TARGET = targets.load(sys.argv[1])


if __name__ == "__main__":
    atheris.Setup([sys.argv[0], *sys.argv[2:]], TARGET.check)
    atheris.Fuzz()
