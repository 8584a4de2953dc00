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


def require_account(uid: int) -> None:
    """Raise ConfigError for a user whose groups are wanted and who has no account."""
    from pwd import getpwuid

    try:
        getpwuid(uid)
    except KeyError:
        raise ConfigError(
            f"initgroups: user {uid} has no account on this machine, and so no groups (name a user"
            " who has one, or leave --initgroups out)"
        ) from None


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

    Without `gid`, another user gets the group of the same number: never that of the process.
    Supplementary groups are always replaced: root's would otherwise stay.  With `initgroups` they
    are all of the user's, else the group alone.  HOME, USER and LOGNAME become the user's where
    they were the former user's.  Raises ConfigError when the system refuses, or when the process
    is not that user afterwards.
    """
    before = os.geteuid()
    target_uid = before if uid is None else uid
    target_gid = _default_group(target_uid) if gid is None else gid
    if os.getresuid() == (target_uid,) * 3 and os.getresgid() == (target_gid,) * 3:
        return
    try:
        groups = _groups_of(target_uid, target_gid) if initgroups else [target_gid]
        os.setgroups(groups)
        os.setresgid(target_gid, target_gid, target_gid)
        os.setresuid(target_uid, target_uid, target_uid)
    except (OSError, KeyError) as error:
        raise ConfigError(
            f"cannot become user {target_uid}, group {target_gid}: {error}"
            " (start as root, or leave --user and --group out)"
        ) from None
    _verify(target_uid, target_gid, groups)
    _move_home(before, target_uid)


def _default_group(uid: int) -> int:
    return os.getegid() if uid == os.geteuid() else uid


def _groups_of(uid: int, gid: int) -> list[int]:
    from pwd import getpwuid

    return os.getgrouplist(getpwuid(uid).pw_name, gid)


def _verify(uid: int, gid: int, groups: list[int]) -> None:
    """Raise ConfigError unless the process is what it was told to become (CWE-273).

    A number that the kernel takes for "no change" succeeds and changes nothing (setresuid(2)).
    """
    found = (os.getresuid(), os.getresgid(), set(os.getgroups()))
    if found != ((uid,) * 3, (gid,) * 3, set(groups)):
        raise ConfigError(
            f"cannot become user {uid}, group {gid}: the process is user {found[0]}, group"
            f" {found[1]}, groups {sorted(found[2])} (check --user and --group)"
        )


def _move_home(before: int, after: int) -> None:
    """A variable that was set for the new user on purpose stays."""
    if before == after:
        return
    old, new = _login(before), _login(after)
    for name, value in old.items():
        if os.environ.get(name) != value:
            continue
        if name in new:
            os.environ[name] = new[name]
        else:
            del os.environ[name]


def _login(uid: int) -> dict[str, str]:
    from pwd import getpwuid

    try:
        entry = getpwuid(uid)
    except KeyError:
        return {"HOME": "/"}
    return {"HOME": entry.pw_dir, "USER": entry.pw_name, "LOGNAME": entry.pw_name}
