"""Ansible's connection to a host of the roll: as `local`, in the namespaces of the host."""

import json
import os
import shlex

from ansible.plugins.connection.local import Connection as Local

DOCUMENTATION = """
name: namespace
short_description: execute in the namespaces of a process
description: Enters the network and the mounts of the process that ROLL_HOLDERS names.
author: hookserve maintainers
options: {}
"""


class Connection(Local):
    """Commands are run there; files are those of this machine."""

    transport = "namespace"

    def exec_command(self, cmd, in_data=None, sudoable=True):
        """Run a command of the shell in the namespaces."""
        holder = json.loads(os.environ["ROLL_HOLDERS"])[self._play_context.remote_addr]
        inside = f"PATH=/srv/bin:$PATH; {cmd}"
        entering = f"nsenter --target={holder} --net --mount -- /bin/sh -c {shlex.quote(inside)}"
        return super().exec_command(entering, in_data=in_data, sudoable=sudoable)
