"""Installed distributions for tests: the files that pip would leave, in a folder for sys.path."""

from pathlib import Path


def install(
    folder,
    name,
    entry_points,
    files,
    *,
    version="1.0",
    requires=(),
    settings=None,
    commands=None,
    variables=None,
):
    """A distribution called `name` whose files are `files` (relative path to text).

    `settings`, `commands` and `variables` are the plugin's by which it is found while it is off,
    each with the value of its entry point.
    """
    folder = Path(folder)
    information = folder / f"{name.replace('-', '_')}-{version}.dist-info"
    information.mkdir(parents=True)
    metadata = f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n"
    metadata += "".join(f"Requires-Dist: {each}\n" for each in requires)
    (information / "METADATA").write_text(metadata)
    groups = {
        "hookserve": entry_points,
        "hookserve.settings": settings,
        "hookserve.commands": commands,
        "hookserve.variables": variables,
    }
    text = "".join(
        f"[{group}]\n" + "".join(f"{key} = {value}\n" for key, value in names.items())
        for group, names in groups.items()
        if names is not None
    )
    (information / "entry_points.txt").write_text(text)
    for path, text in files.items():
        target = folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text)


def worker_plugin(name, target=None):
    """The source of a plugin module with one worker type."""
    target = target or f"{name}_plugin.worker:Worker"
    return (
        "from hookserve import WorkerType, hookimpl\n"
        "@hookimpl\n"
        f"def worker_types():\n    return [WorkerType({name!r}, {target!r}, 'of a test')]\n"
    )
