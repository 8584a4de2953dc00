"""The command: each pair in turns within one run, medians and ratios at the end."""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import asdict
from pathlib import Path

from benchmarks import load, servers
from benchmarks.accounting import cpu_of, memory_of
from benchmarks.pairs import PAIRS, Contender, Pair
from benchmarks.report import Turn, summarise, table


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--only", action="append", help="measure this pair alone; repeatable")
    parser.add_argument("--turns", type=int, default=5)
    parser.add_argument("--seconds", type=int, default=4, help="of load in a turn")
    parser.add_argument("--json", metavar="FILE", help="write the figures to a file")
    options = parser.parse_args()
    chosen = [pair for pair in PAIRS if not options.only or pair.name in options.only]
    if not chosen:
        parser.error(f"no such pair; there are {', '.join(pair.name for pair in PAIRS)}")
    try:
        servers.install_peers()
        figures = [measure(pair, options.turns, options.seconds) for pair in chosen]
    except (servers.ServerError, load.LoadError) as error:
        print(f"benchmarks: {error}", file=sys.stderr)
        return 1
    if options.json:
        Path(options.json).write_text(json.dumps(figures, indent=2) + "\n")
    return 0


def measure(pair: Pair, turns: int, seconds: int) -> dict[str, object]:
    """Both servers of a pair, one turn each, again and again."""
    found: dict[str, list[Turn]] = {pair.ours.name: [], pair.theirs.name: []}
    for _ in range(turns):
        for contender in (pair.ours, pair.theirs):
            found[contender.name].append(turn(pair, contender, seconds))
    ours, theirs = (summarise(name, each) for name, each in found.items())
    ratio = ours.cpu / theirs.cpu
    print(f"\n{pair.name}: {turns} turns of {seconds} s,", end=" ")
    print("keep-alive" if pair.is_keep_alive else "a new connection for each request")
    print(" ".join(load.command(0, seconds, pair.connections, pair.is_keep_alive)[:4]), "...")
    print(table([ours, theirs]))
    verdict = "within" if ratio <= pair.at_most else "over"
    print(f"CPU per request: {ratio:.3f} of the peer's, {verdict} the budget of {pair.at_most}")
    print(f"memory: {ours.memory / theirs.memory:.2f}, start: {ours.start / theirs.start:.2f}")
    return {"pair": pair.name, "ratio": ratio, "ours": asdict(ours), "theirs": asdict(theirs)}


def turn(pair: Pair, contender: Contender, seconds: int) -> Turn:
    """One server, warmed up, under load once."""
    server_cpu, client_cpu = servers.processors()
    with servers.running(contender, server_cpu) as (pid, port, start):
        memory = memory_of(pid)
        load.run(port, 1, pair.connections, pair.is_keep_alive, client_cpu)
        before = cpu_of(pid)
        seen = load.run(port, seconds, pair.connections, pair.is_keep_alive, client_cpu)
        used = cpu_of(pid) - before
    return Turn(
        user=used.user / seen.requests,
        system=used.system / seen.requests,
        rate=seen.rate,
        p50=seen.p50,
        p99=seen.p99,
        memory=memory,
        start=start,
    )


if __name__ == "__main__":
    sys.exit(main())
