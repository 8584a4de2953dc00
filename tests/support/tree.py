"""The files that are ours: what git would take, and no environment that a target has made."""

from pathlib import Path

ROOT = Path(__file__).parents[2]


def files_in(*folders):
    """Sorted, without what is in a folder of theirs whose name begins with a dot; patterns too."""
    return sorted(
        path
        for pattern in folders
        for folder in ROOT.glob(pattern)
        for path in folder.rglob("*.*")
        if path.is_file() and not _is_made(path.relative_to(folder))
    )


def modules_in(*folders):
    """As `files_in`, Python modules only."""
    return [path for path in files_in(*folders) if path.suffix == ".py"]


def _is_made(path):
    return any(part.startswith(".") for part in path.parts[:-1])
