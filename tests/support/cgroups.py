"""Control groups in a folder, as a kernel shows them."""

from hookserve.system.cgroup import ControlGroups


class FakeGroups:
    """Files of proc(5) and of mounted groups below a folder."""

    def __init__(self, folder):
        self._folder = folder
        self.proc = folder / "proc"
        self.proc.mkdir()
        self._mounts = "21 1 8:1 / / rw - ext4 /dev/sda rw\n"
        self._memberships = ""

    def mount(self, name="", kind="cgroup2", root="/"):
        """Mount all groups, or those below `root`; of version 1 those of a controller."""
        point = self._folder / "mounted" / name
        options = "rw" if kind == "cgroup2" else f"rw,{name}"
        self._mounts += f"36 31 0:35 {root} {point} rw shared:9 - {kind} {kind} {options}\n"
        (self.proc / "mountinfo").write_text(self._mounts)

    def join(self, path, controllers="", number=0):
        """Have the process be in the group of that path."""
        self._memberships += f"{number}:{controllers}:{path}\n"
        (self.proc / "cgroup").write_text(self._memberships)

    def write(self, group, **files):
        """Set limits of a group below the mount point: `cpu__max` is cpu.max."""
        folder = self._folder / "mounted" / group.strip("/")
        folder.mkdir(parents=True, exist_ok=True)
        for name, text in files.items():
            (folder / name.replace("__", ".")).write_text(f"{text}\n")

    def seen(self):
        """What the server sees of them."""
        return ControlGroups(str(self.proc))


def group_of(folder, **files):
    """The process in one group of version 2, ``/shop``, with these files."""
    groups = FakeGroups(folder)
    groups.mount()
    groups.join("/shop")
    groups.write("/shop", **files)
    return groups.seen()
