#!/usr/bin/python3
"""Holds the contests that are asked for, keeps each as JSON, and writes the table of all that are kept."""
import argparse
import json
import sys
from pathlib import Path

import contests
import report


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--program", type=Path, default=contests.ROOT / "build/release/isorbit")
    parser.add_argument("--only", default="*", help="globs over contests, by commas: 'tiny-*,small-f32-2,pair-*'; '' for none")
    parser.add_argument("--kept", type=Path, default=contests.ROOT / "build/bench", help="folder of the contests' JSON")
    parser.add_argument("--output", type=Path, default=contests.HERE / "results.md")
    parser.add_argument("--llmc", help="a program that prints {\"tokens_per_second\": ..., \"step_ms\": [...]} of llm.c at size "
                                       "tiny on two threads")
    parser.add_argument("--list", action="store_true", help="print the contests and stop")
    arguments = parser.parse_args()
    chosen = contests.selected(arguments.only)
    if arguments.list:
        print("\n".join(chosen))
        return
    if not chosen and arguments.only:
        sys.exit(f"bench: no contest is called {arguments.only!r}; expected globs over {', '.join(contests.selected('*'))}")
    arguments.kept.mkdir(parents=True, exist_ok=True)
    for name, contenders in chosen.items():
        print(f"bench: {name}", file=sys.stderr, flush=True)
        if contenders is None:
            result = contests.hold_pair(*name.split("-")[1:], arguments.program)
        else:
            result = contests.hold(name, contenders, arguments.program, arguments.llmc and arguments.llmc.split())
        (arguments.kept / f"{name}.json").write_text(json.dumps(result))
    kept = {n: json.loads((arguments.kept / f"{n}.json").read_text())
            for n in contests.selected("*") if (arguments.kept / f"{n}.json").exists()}
    pairs = [c for n, c in kept.items() if n.startswith("pair-")]
    others = [c for n, c in kept.items() if not n.startswith("pair-")]
    arguments.output.write_text(report.render(others, pairs, arguments.program, "tests/bench/run.sh"))


if __name__ == "__main__":
    main()
