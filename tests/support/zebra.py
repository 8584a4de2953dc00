"""A plugin of tests that names its settings: it is loaded when one of them is used."""

from support.installed import install

SOURCE = """
from hookserve import Setting, hookimpl
from hookserve.config.values import boolean, integer, text
@hookimpl
def settings():
    return [
        Setting("zebra", False, boolean, "whether there is one", switch=True),
        Setting("zebra_count", 1, integer, "how many", needs=("zebra",)),
        Setting("zebra_names", (), tuple, "their names", repeatable=True),
    ]
@hookimpl
def configured_plugins(config):
    return [Zebra()] if config.zebra else []
@hookimpl
def config_warnings(config):
    return ["too many zebras"] if config.zebra_count > 9 else []
class Zebra:
    @hookimpl
    def when_ready(self): ...
"""
MODULE = "zebra_under_test"
NAMES = dict.fromkeys(["zebra", "zebra_count", "zebra_names"], MODULE)


def install_zebra(folder, source=SOURCE, settings=NAMES, entry_points=None, variables=None):
    """Install it, as distribution zoo."""
    files = {f"{MODULE}.py": source}
    names = {"settings": settings, "variables": variables}
    install(folder, "zoo", entry_points or {"zebra": MODULE}, files, **names)
