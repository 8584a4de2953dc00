"""Names and prose are in the field's words: a reader who knows nginx and POSIX knows them at sight.

The table has what was once said here in private words, and what says it now.  The glossary has the
words that the code uses.
"""

import ast
import re
from functools import cache
from pathlib import Path

import pytest

from tests.support.tree import ROOT, files_in

FOLDERS = ("hookserve", "plugins", "tests", "docs", "examples", "benchmarks", ".github")
SUFFIXES = (".py", ".md", ".toml", ".template", ".yml")

WORDS = {
    # A word as it is in prose, with or without an ending, or as a part of a name.
    "(choose )?crews?": "serving classes, handles",
    "roster": "worker table",
    "keepers?": "pool",
    "recruit(ing|ment)?": "preparation",
    "forker|spawner|take_on": "fork, child, add_worker",
    "rebirth|(executes itself|executed|process|interpreter) anew": "re-exec, re-executed",
    "probation|probes?": "dry run",
    "adopt(s|ed|ion)?": "restore, inherit",
    "giv(e|es|en|ing) up|gave up": "retire, abort, cancel, release",
    "turn(s|ed|ing)? away": "refuse new connections",
    "bur(y|ied|ies)|deaths?": "exit, failure",
    "hear(s|d)? out|hears?|heard|listen to|(hang|hangs|hung) up": "read messages, receive, close",
    "let(s|ting)? go|forgives?|forgiven|excuses?|hopeless": "release, reset, ignore",
    "last words|complain(s|ed|ts?)?": "exit callback, problem",
    "heed(s|ed)?": "handle",
    "bells?|rung": "wake-up descriptor, notify",
    "patience": "timeout",
    "admission|let(s|ting)? in|turnstile|line up": "accept, accept lock, re-register",
    "dispensable|crowded|comfortable|makes?_room": "evictable, near the limit, evict",
    "postponed?|baton": "deferred queue, lock",
    "vacancy|hand(s|ed)? out": "leader/followers, dispatch",
    "look(s|ed|ing)? after": "main loop",
    "fleet": "worker counts",
    "has spoken|takes long": "is readable, over budget",
    "remember(s|ed|ing)?": "cache",
    "tellers?|mentions?|owes": "notify, pending",
    "clothes|strangers|without a word": "IPv4-mapped, orphaned children, silently",
    "originals|futile": "patch check, useless",
    "helpers?": "auxiliary process",
    "layers?": "settings source, connection wrapper",
    "weak points?|succession": "regressions, binary upgrade",
    "is secret": "encrypted",
    "begin quickly|on leaving": "shutdown_now, on_drain_delay",
    "work(s|ed)? apart": "run outside the running loop",
    "flights?": "request slot",
    "is none": "invalid X, malformed X",
    "launchers?": "starting process, foreground process",
    "park(s|ed|ing)?": "wait",
    "balance": "reconcile, load_worker_class",
    "leaving": "drain delay",
    "peers": "sibling workers, client address, trusted proxies, other servers",
    "board": "scoreboard",
    "proven": "canary_ready, confirmed",
    "facts": "connection info, arguments",
    "settled?": "drain body",
    "judge": "policy",
    "noted": "recorded",
    "nobody|somebody|anybody|everybody|whoever": "connection, client, caller",
}
"""In any text; a space stands for an underscore too."""
NAMES = {
    "ending": "stopping, draining",
    "say|says|said": "send, expected, message",
    "comes|lead|term": "responds, leader, epoch",
    "lose|learn": "on disconnect, connection info",
    "missed|heavy": "pending event, re-check, slow input",
    "tell|told": "notify",
    "spare": "idle",
}
"""As a name or a part of one that is between underscores: these are plain English in prose."""
ALLOWED = {
    # What may stand in a line, by the word that is found there; and why.
    "nobody": (
        r"""["'/(]nobody\b|\bnobody = |, nobody\b|user[ =:]+nobody""",
        "the user of that name",
    ),
    "helper": (r"""def helper|helper=|"helper\"""", "a function in a user's configuration file"),
    "flight": (r"(?i)in[_ -]?flight", "requests in flight: the field's word"),
    "is none": (r"[Tt]here is none|is None", "something is absent"),
    "peers": (r"\.venv-peers", "a folder that is on many machines"),
    "balance": (r"balance leastconn", "a directive of HAProxy's"),
    "facts": (r"gather_facts: ", "a word of Ansible's"),
    "tell": (r"self\.tell\b|def tell\(self\) -> int", "the method of a file"),
}
_PROSE = re.compile("(?<![a-z])(?:" + "|".join(WORDS).replace(" ", "[ _]") + ")(?![a-z])")
"""Of a text in small letters: to ignore case takes three times as long."""
_NAMES = frozenset("|".join(NAMES).split("|"))


def words_in(line):
    """The private words of a line of text."""
    for match in _PROSE.finditer(line.lower()):
        word = match[0].replace("_", " ")
        allowed, _ = ALLOWED.get(word.removesuffix("s"), ALLOWED.get(word, (None, "")))
        if allowed is None or not re.search(allowed, line):
            yield line[match.start() : match.end()]


def names_in(tree):
    """The line and the name of each thing that is named by a private word."""
    for node in ast.walk(tree):
        name = ""
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
            # The name of a test is a sentence.
            name = node.name.removeprefix("test_") if node.name.startswith("test_") else node.name
            name = "" if name != node.name else name
        elif isinstance(node, ast.arg):
            name = node.arg
        elif isinstance(node, (ast.Name, ast.Attribute)) and isinstance(node.ctx, ast.Store):
            name = node.id if isinstance(node, ast.Name) else node.attr
        if is_private(name):
            yield node.lineno, name


@cache
def is_private(name):
    """Whether a private word is part of the name."""
    parts = re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name)
    return bool(_NAMES & set(parts.lower().split("_"))) or any(words_in(parts))


def files():
    for path in files_in(*FOLDERS):
        name = path.relative_to(ROOT).as_posix()
        # Records of decisions are in the words of their day; assets are others'.
        is_ours = path != Path(__file__) and not re.search("/(decisions|assets)/", name)
        if path.suffix in SUFFIXES and is_ours:
            yield name, path
    for path in sorted(ROOT.glob("*.md")):
        yield path.name, path


def test_text_is_in_the_fields_words():
    found = [
        f"{name}:{number}: {', '.join(words)}: {line.strip()}"
        for name, path in files()
        for number, line in enumerate(path.read_text().splitlines(), 1)
        # The changelog quotes the names of the past.
        if (words := list(words_in(re.sub("`.*?`", "", line) if "CHANGE" in name else line)))
    ]

    assert not found, "\n".join(found)


def test_names_are_in_the_fields_words():
    found = [
        f"{name}:{number}: {found}"
        for name, path in files()
        if path.suffix == ".py"
        for number, found in names_in(ast.parse(path.read_text()))
        if found not in ALLOWED
    ]

    assert not found, "\n".join(found)


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("the keeper asks the Crew", ["keeper", "Crew"]),
        ("def test_a_socket_is_adopted():", ["adopted"]),
        ("CREW_SIZE, hear_out(), on_leaving", ["CREW", "hear_out", "on_leaving"]),
        ("it holds nobody up; there is nobody", ["nobody", "nobody"]),
        ("chown nobody /x; getpwnam('nobody')", []),
        ("requests in flight, requests_in_flight, RequestInFlight", []),
        ("a flight of the request", ["flight"]),
        ("the method is none", ["is none"]),
        ("-1 where there is none", []),
        ("the value is None", []),
        ("a parked connection in a parking place", ["parked", "parking"]),
        ("a spark, a heart, a recipe", []),
        ("this process anew; it was executed anew; read anew", ["process anew", "executed anew"]),
        ("what was heard", ["heard"]),
    ],
)
def test_private_words_are_found(line, words):
    assert list(words_in(line)) == words


@pytest.mark.parametrize(
    ("source", "names"),
    [
        ("def settle_body(): said = 1", ["settle_body", "said"]),
        ("class BoardLead:\n  def f(self, peers): self.learn = 1", ["BoardLead", "peers", "learn"]),
        ("def test_what_is_said(): tell(said)", []),
        ("leader = boarding = resettled = 1", []),
    ],
)
def test_private_names_are_found(source, names):
    assert sorted(name for _, name in names_in(ast.parse(source))) == sorted(names)
