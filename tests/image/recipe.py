"""What the guide's recipe of an image says."""

import json
import re

from tests.roll.hosts import FILES

RECIPE = FILES / "Containerfile"


def instructions(name):
    """What follows each instruction of a name."""
    return re.findall(rf"^{name} (.*)$", RECIPE.read_text(), re.MULTILINE)


def words(name):
    """The words of the last instruction of a name, which are in JSON."""
    return json.loads(instructions(name)[-1])


def base():
    """The image that it starts from."""
    return instructions("FROM")[-1]
