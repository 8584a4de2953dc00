"""What /proc says of a process (proc(5))."""

from pathlib import Path


def is_alive(pid):
    """A zombie is not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def sleeps(pid):
    """Whether its main thread is in `time.sleep`, as an application of a test is."""
    return "nanosleep" in Path(f"/proc/{pid}/wchan").read_text()


def children_of(pid):
    """The process ids of a process's children."""
    return [int(each) for each in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
