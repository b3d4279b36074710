#!/usr/bin/env python3
"""Holds `isorbit plan` against what sweeps take: plans each with an empty cache, runs it, and prints forecast and
actual cell by cell. Exit code 1 where the median error of the seconds is above --bound. Leave the machine alone
meanwhile: about 9 minutes on two cores for all three.

  tests/bench/forecast.py [--program build/release/isorbit] [--calibrate 10] [--bound 0.2] [quickstart tiny small]
"""
import argparse
import json
import os
import pathlib
import statistics
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
SWEEPS = {
    "quickstart": ROOT / "experiments/sweeps/quickstart.json",
    "tiny": ROOT / "tests/bench/forecast/tiny.json",
    "small": ROOT / "tests/bench/forecast/small.json",
}


def objects(text):
    return [json.loads(line) for line in text.splitlines()]


def error(forecast, actual):
    return f"{100 * (forecast / actual - 1):+6.0f} %" if actual else "     -  "


def measure(name, args, folder):
    environment = dict(os.environ, XDG_CACHE_HOME=str(folder / "cache"))
    sweep = [str(SWEEPS[name]), "-o", str(folder / "runs"), "--data", str(ROOT / "data")]

    def isorbit(*words):
        return subprocess.run([args.program, *words], env=environment, check=True, text=True, capture_output=True)

    start = time.monotonic()
    planned = objects(isorbit("plan", *sweep, "--json", "--calibrate", str(args.calibrate)).stdout)
    planning = time.monotonic() - start
    whole = next(line["jobs"]["1"] for line in planned if "jobs" in line)
    forecasts = {line["id"]: line["forecast"] for line in planned if "forecast" in line}
    start = time.monotonic()
    isorbit("run", *sweep, "--quiet")
    running = time.monotonic() - start
    kept = {cell["id"]: cell for cell in json.loads((folder / "runs/forecast.json").read_text())["cells"]}
    print(f"\n{name}: planned in {planning:.1f} s; forecast {whole:.0f} s, took {running:.0f} s"
          f" ({error(whole, running).strip()})\n")
    print(f"{'arm':<10} {'seed':>4} {'basis':<10} {'seconds':>8} {'took':>8} {'error':>8}"
          f" {'memory':>8} {'peak':>8} {'error':>8} {'disk':>8} {'bytes':>8} {'error':>8}")
    errors = {"seconds": [], "memory": [], "disk": []}
    for line in planned:
        if "forecast" not in line:
            continue
        forecast, cell = forecasts[line["id"]], kept[line["id"]]
        actual = {"seconds": cell["seconds"], "memory": cell["peak_bytes"], "disk": cell["disk_bytes"]}
        row = f"{line['arm']:<10} {line['seed']:>4} {forecast['basis']:<10}"
        for key, scale in (("seconds", 1), ("memory", 1e-6), ("disk", 1e-6)):
            row += f" {scale * forecast[key]:8.1f} {scale * (actual[key] or 0):8.1f} {error(forecast[key], actual[key])}"
            if actual[key]:
                errors[key].append(abs(forecast[key] / actual[key] - 1))
        print(row)
    medians = {key: statistics.median(values) for key, values in errors.items() if values}
    print("\nmedian error: " + ", ".join(f"{key} {100 * value:.1f} %" for key, value in medians.items()), flush=True)
    return medians["seconds"]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("sweeps", nargs="*", default=list(SWEEPS), help="quickstart, tiny, small; all")
    parser.add_argument("--program", default=str(ROOT / "build/release/isorbit"))
    parser.add_argument("--calibrate", type=int, default=10, help="seconds a plan; 10")
    parser.add_argument("--bound", type=float, default=0.2, help="of the median error of seconds; 0.2")
    args = parser.parse_args()
    worst = 0
    for name in args.sweeps:
        if name not in SWEEPS:
            parser.error(f"found {name!r}; expected some of {', '.join(SWEEPS)}")
        with tempfile.TemporaryDirectory(prefix="isorbit-forecast-") as folder:
            worst = max(worst, measure(name, args, pathlib.Path(folder)))
    return 0 if worst <= args.bound else 1


if __name__ == "__main__":
    sys.exit(main())
