"""How hookserve differs from gunicorn in a case, and whether it says so."""

from dataclasses import dataclass, field

from tests.compat.corpus import ASPECTS

FIELDS = {
    "requests": "requests",
    "workers": "workers",
    "access log": "access_log",
    "messages": "messages",
    "hooks": "hooks",
    "files": "files",
    "metrics": "metrics",
    "reload": "reload",
    "stop": "exit_code",
    "left": "left",
}


@dataclass
class Verdict:
    """Of a case: what differs, each with the line that says so or None."""

    case: object
    differences: dict = field(default_factory=dict)
    lines: dict = field(default_factory=dict)
    warnings: list = field(default_factory=list)

    @property
    def word(self):
        """`alike`, `differs` where hookserve says each difference, else `FAILS`."""
        if not self.differences:
            return "alike"
        return "differs" if set(self.differences) <= set(self.lines) else "FAILS"


def compare(case, gunicorn, hookserve):
    """The verdict on two observations of a case."""
    verdict = Verdict(case, warnings=hookserve.warnings)
    for aspect in ASPECTS:
        difference = _difference(aspect, gunicorn, hookserve)
        if not difference:
            continue
        verdict.differences[aspect] = difference
        expected = case.differs.get(aspect)
        line = next((each for each in hookserve.warnings if expected and expected in each), None)
        if line is not None:
            verdict.lines[aspect] = line
    return verdict


def _difference(aspect, gunicorn, hookserve):
    if aspect == "start":
        return _pair(gunicorn.started, hookserve.started)
    if not gunicorn.started or not hookserve.started:
        is_both = aspect == "stop" and gunicorn.started == hookserve.started
        return _pair(gunicorn.exit_code, hookserve.exit_code) if is_both else ""
    ours, theirs = getattr(hookserve, FIELDS[aspect]), getattr(gunicorn, FIELDS[aspect])
    if isinstance(theirs, dict) and isinstance(ours, dict):
        return _keys(theirs, ours)
    return _pair(theirs, ours)


def _keys(theirs, ours):
    names = [
        name for name in sorted({*theirs, *ours}, key=str) if theirs.get(name) != ours.get(name)
    ]
    return "; ".join(f"{name}: {_pair(theirs.get(name), ours.get(name))}" for name in names)


def _pair(theirs, ours):
    if theirs == ours:
        return ""
    if isinstance(theirs, list) and isinstance(ours, list):
        uneven = _uneven(*_only_once(theirs, ours))
        parts = [_pair_of(*each) for each in uneven if each[0] != each[1]]
        return "; ".join(parts) or f"another order: {theirs}, {ours}"
    return _pair_of(theirs, ours)


def _only_once(theirs, ours):
    """Lists of lines without what both have."""
    if not all(isinstance(each, str) for each in [*theirs, *ours]):
        return theirs, ours
    return [line for line in theirs if line not in ours], [
        line for line in ours if line not in theirs
    ]


def _uneven(theirs, ours):
    length = max(len(theirs), len(ours))
    padded = [[*each, *[None] * (length - len(each))] for each in (theirs, ours)]
    return zip(*padded, strict=True)


def _pair_of(theirs, ours):
    if isinstance(theirs, dict) and isinstance(ours, dict):
        return _keys(theirs, ours)
    return f"gunicorn {theirs!r}, hookserve {ours!r}"
