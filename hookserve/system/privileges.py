"""User, group and groups of the workers."""

from __future__ import annotations

import os

from hookserve.errors import ConfigError


def is_number(text: str) -> bool:
    """Whether a user or group is given by its number: decimal digits of ASCII."""
    return text.isascii() and text.isdecimal()


def resolve_user(name: str | int) -> tuple[int, int | None]:
    """The uid, and the user's own group as far as it is known.

    Raises ConfigError for a name that the system does not know.
    """
    from pwd import getpwnam, getpwuid

    text = str(name)
    try:
        entry = getpwuid(int(text)) if is_number(text) else getpwnam(text)
    except KeyError:
        if is_number(text):
            return int(text), None
        raise ConfigError(f"there is no user '{text}' on this machine (see --user)") from None
    return entry.pw_uid, entry.pw_gid


def resolve_group(name: str | int) -> int:
    """The gid; raises ConfigError for a name that the system does not know."""
    text = str(name)
    if is_number(text):
        return int(text)
    from grp import getgrnam

    try:
        return getgrnam(text).gr_gid
    except KeyError:
        raise ConfigError(f"there is no group '{text}' on this machine (see --group)") from None


def drop(uid: int | None, gid: int | None, initgroups: bool) -> None:
    """Become that user and group for good; `None` leaves one as it is.

    Supplementary groups are always replaced: root's would otherwise stay.  With `initgroups` they
    are all of the user's, else the group alone.  Raises ConfigError when the system refuses.
    """
    target_uid = os.geteuid() if uid is None else uid
    target_gid = os.getegid() if gid is None else gid
    if (target_uid, target_gid) == (os.geteuid(), os.getegid()):
        return
    try:
        if initgroups:
            from pwd import getpwuid

            os.initgroups(getpwuid(target_uid).pw_name, target_gid)
        else:
            os.setgroups([target_gid])
        os.setresgid(target_gid, target_gid, target_gid)
        os.setresuid(target_uid, target_uid, target_uid)
    except (OSError, KeyError) as error:
        raise ConfigError(
            f"cannot become user {target_uid}, group {target_gid}: {error}"
            " (start as root, or leave --user and --group out)"
        ) from None
