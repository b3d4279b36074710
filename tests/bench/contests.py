"""Contests: contenders timed in alternating rounds on one machine, so that their ratios come from one run.

A contest is a model size, a type and a number of threads. Its contenders are `isorbit bench` and torch_llama.py under
several methods; every round starts each of them once, and the steps of all rounds are pooled.
"""
import fnmatch
import json
import os
import statistics
import subprocess
import sys
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
LIBRARIES = "/usr/lib/x86_64-linux-gnu/"
# PyTorch as Debian ships it, and with the settings that make it fastest: its AVX-512 kernels, the OpenMP build of
# OpenBLAS and tcmalloc. The faster of the two is the peer.
SETTINGS = {
    "stock": {},
    "tuned": {
        "ATEN_CPU_CAPABILITY": "avx512",
        "LD_LIBRARY_PATH": LIBRARIES + "openblas-openmp",
        "LD_PRELOAD": LIBRARIES + "libtcmalloc_minimal.so.4",
    },
}
ROUNDS = 3
LONGEST_WAIT = 20  # seconds for other processes to be done, before every run
STEPS = {"micro": (15, 3), "tiny": (5, 2), "small": (5, 1)}  # a round: timed, before them


def contests():
    """Every contest: its name and contenders ("ours adamw", "ours poet 64", "torch poet 64", ...)."""
    out = {}
    for dtype in ("f32", "bf16"):
        for size in ("micro", "tiny"):
            out[f"{size}-{dtype}-1"] = ["ours adamw", "torch adamw"]
        out[f"micro-{dtype}-2"] = ["ours adamw", "torch adamw"]
        out[f"tiny-{dtype}-2"] = ["ours adamw", "torch adamw", "ours poet 64", "torch poet 64", "torch poet-input 64"]
        out[f"small-{dtype}-2"] = ["ours adamw", "torch adamw", "ours poet 64", "ours poet 256"]
    return out


class Load:
    """CPUs that other processes kept busy between start and stop."""

    def __init__(self):
        self.start = self.now()

    @staticmethod
    def now():
        values = [int(v) for v in open("/proc/stat").readline().split()[1:9]]
        busy = (sum(values) - values[3] - values[4]) / os.sysconf("SC_CLK_TCK")
        t = os.times()
        return time.perf_counter(), busy, t.user + t.system + t.children_user + t.children_system

    def foreign(self):
        wall, busy, own = (b - a for a, b in zip(self.start, self.now()))
        return max(0.0, (busy - own) / wall)


def wait_for_quiet():
    end = time.perf_counter() + LONGEST_WAIT
    while time.perf_counter() < end:
        load = Load()
        time.sleep(0.4)
        if load.foreign() < 0.08:
            return


def run(command, environment=None):
    """The last line of a program's output as JSON, with the load of other processes meanwhile."""
    load = Load()
    done = subprocess.run(command, env={**os.environ, **(environment or {})}, stdout=subprocess.PIPE, text=True)
    if done.returncode != 0:
        sys.exit(f"bench: {' '.join(map(str, command))} ended with {done.returncode}")
    result = json.loads(done.stdout.strip().splitlines()[-1])
    result["foreign"] = load.foreign()
    return result


def ours(program, size, dtype, threads, kind, extra):
    method, *block = kind
    files = {"adamw": "adamw.json", "poet": "poet_bs.json"}
    command = [program, "bench", ROOT / "experiments/models/llama.json", "--size", size, "--dtype", dtype, "--threads",
               str(threads), "--method", ROOT / "experiments/methods" / files[method], "--json", *extra]
    if block:
        command += ["--set", f"method.block_size={block[0]}"]
    return run(command)


def torch(size, dtype, threads, kind, setting, steps, warmup):
    optimizer, *block = kind
    command = ["/usr/bin/python3", HERE / "torch_llama.py", "--size", size, "--dtype", dtype, "--threads", str(threads),
               "--optimizer", optimizer, "--steps", str(steps), "--warmup", str(warmup)]
    if block:
        command += ["--block", block[0]]
    return run(command, SETTINGS[setting])


def faster_setting(size, dtype, threads):
    ms = {}
    for setting in SETTINGS:
        wait_for_quiet()
        ms[setting] = statistics.median(torch(size, dtype, threads, ["adamw"], setting, 3, 2)["step_ms"])
    return min(ms, key=ms.get), ms


def pooled(rounds):
    """One result of a contender's rounds: the median of all steps, the least peak of memory, the worst load."""
    out = dict(rounds[0])
    out["step_ms"] = [t for r in rounds for t in r["step_ms"]]
    out["ms"] = statistics.median(out["step_ms"])
    out["tokens_per_second"] *= rounds[0]["ms"] / out["ms"]
    for key in ("data_ms", "forward_ms", "backward_ms", "update_ms", "events_ms", "compile_ms", "peak_bytes"):
        if key in out:
            out[key] = statistics.median(r[key] for r in rounds)
    out["foreign"] = max(r["foreign"] for r in rounds)
    return out


def hold(name, contenders, program, llmc=None):
    """Runs a contest: {contender: result}, with the setting PyTorch was fastest in and what only we can tell."""
    size, dtype, threads = name.split("-")
    steps, warmup = STEPS[size]
    setting, probes = faster_setting(size, dtype, threads)
    if llmc and dtype == "f32" and threads == "2" and size == "tiny":
        contenders = contenders + ["llmc"]
    results = {contender: [] for contender in contenders}
    for _ in range(ROUNDS):
        for contender in contenders:
            side, *kind = contender.split()
            wait_for_quiet()
            if side == "ours":
                extra = ["--steps", str(steps), "--warmup", str(warmup), "--skip", "all"]
                result = ours(program, size, dtype, threads, kind, extra)
            elif side == "torch":
                result = torch(size, dtype, threads, kind, setting, steps, warmup)
            elif len(results[contender]) == 0:
                result = run(llmc)  # so slow that one round of it is enough
            else:
                continue
            results[contender].append(result)
    out = {contender: pooled(rounds) for contender, rounds in results.items()}
    if threads == "2":
        wait_for_quiet()
        out["whole"] = ours(program, size, dtype, threads, ["adamw"], ["--steps", "5", "--warmup", str(warmup)])
    return {"name": name, "setting": setting, "probes_ms": probes, "results": out, "time": time.strftime("%Y-%m-%d %H:%M")}


def hold_pair(size, dtype, program):
    """Two processes of one thread each at once against one alone, alternating: steps a second of both together."""
    steps = {"micro": "60", "tiny": "8"}[size]
    command = [program, "bench", ROOT / "experiments/models/llama.json", "--size", size, "--dtype", dtype, "--threads",
               "1", "--steps", steps, "--skip", "all", "--json"]
    alone, paired = [], []
    load = Load()
    for _ in range(ROUNDS):
        wait_for_quiet()
        load = Load()
        alone += run(command)["step_ms"]
        both = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(2)]
        texts = [process.communicate()[0] for process in both]
        paired.append(sum(1 / statistics.median(json.loads(text)["step_ms"]) for text in texts))
    ratio = statistics.median(paired) * statistics.median(alone)
    return {"name": f"pair-{size}-{dtype}", "ratio": ratio, "ms": statistics.median(alone), "foreign": load.foreign(),
            "time": time.strftime("%Y-%m-%d %H:%M")}


def selected(pattern):
    names = {**contests(), **{f"pair-{s}-{d}": None for d in ("f32", "bf16") for s in ("micro", "tiny")}}
    return {n: c for n, c in names.items() if any(fnmatch.fnmatch(n, p) for p in pattern.split(","))}
