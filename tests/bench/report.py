"""The table of the contests: every ratio with its target; what misses says so and shows where the time goes."""
import os
import platform
import subprocess

from contests import ROOT

SPEED = {  # how many times faster than PyTorch an AdamW step has to be
    ("f32", "2"): {"micro": 2.2, "tiny": 1.5, "small": 1.25},
    ("bf16", "2"): {"micro": 4.0, "tiny": 3.0, "small": 2.2},
    ("f32", "1"): {"micro": 1.4, "tiny": 1.4},
    ("bf16", "1"): {"micro": 2.5, "tiny": 2.5},
}
CEILING = {("tiny", "f32"): 0.80, ("small", "f32"): 0.80, ("small", "bf16"): 0.65}
POET_PEER = {"f32": 1.8, "bf16": 3.5}
QUIET = 0.1  # CPUs that others may have kept busy


def ms(result):
    return f"{result['ms']:.1f}"


class Table:
    def __init__(self):
        self.rows, self.missed = [], set()

    def add(self, contest, what, ours, other, value, sign, target, foreign=0.0):
        """`sign`: ">=" or "<=" to the target; None where there is no target."""
        met = target is None or (value >= target if sign == ">=" else value <= target)
        if not met:
            self.missed.add(contest)
        verdict = "" if target is None else "met" if met else "**missed**"
        wanted = "" if target is None else f"{'at least' if sign == '>=' else 'at most'} {target:g}"
        self.rows.append([what, ours, other, f"{value:.3g}", wanted, verdict + (" (busy)" if foreign > QUIET else "")])

    def text(self):
        head = ["what", "ours", "other", "ratio", "target", ""]
        lines = [head, ["---", "---:", "---:", "---:", "---", "---"]] + self.rows
        return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def add_contest(table, contest):
    name, results = contest["name"], contest["results"]
    size, dtype, threads = name.split("-")
    adamw, peer = results["ours adamw"], results["torch adamw"]
    label = f"{size} {dtype}, {threads} thread{'s' if threads != '1' else ''}"
    busy = max(r.get("foreign", 0) for r in results.values())
    table.add(name, f"AdamW step, {label}: PyTorch ({contest['setting']}) / ours", ms(adamw), ms(peer),
              peer["ms"] / adamw["ms"], ">=", SPEED[dtype, threads].get(size), busy)
    if "llmc" in results:
        llmc = results["llmc"]
        table.add(name, f"AdamW step, {label}: llm.c / ours, tokens/s", f"{adamw['tokens_per_second']:.0f}",
                  f"{llmc['tokens_per_second']:.0f}", adamw["tokens_per_second"] / llmc["tokens_per_second"], ">=", 10.0, busy)
    for block in ("64", "256"):
        poet = results.get(f"ours poet {block}")
        if poet:
            table.add(name, f"POET-BS b={block} / AdamW, both ours, {label}", ms(poet), ms(adamw), poet["ms"] / adamw["ms"],
                      "<=", 1.0 if block == "64" else 1.25, busy)
    forms = [results[f] for f in ("torch poet 64", "torch poet-input 64") if f in results]
    if forms:
        best = min(forms, key=lambda r: r["ms"])
        poet = results["ours poet 64"]
        table.add(name, f"POET-BS b=64, {label}: PyTorch ({best['optimizer']}) / ours", ms(poet), ms(best),
                  best["ms"] / poet["ms"], ">=", POET_PEER[dtype], busy)
    if "whole" in results:
        add_whole(table, name, label, results["whole"], peer, results)


def add_whole(table, name, label, whole, peer, results):
    size, dtype, _ = name.split("-")
    load = whole["foreign"]
    table.add(name, f"bare oneDNN products / step, {label}", ms(whole), f"{whole['ceiling_ms']:.1f}",
              whole["ceiling_share"], ">=", CEILING.get((size, dtype)), load)
    table.add(name, f"record and spectra / step, {label}", ms(whole), f"{whole['record_ms']:.2f}",
              whole["record_ms"] / whole["ms"], "<=", 0.02, load)
    adamw = results["ours adamw"]
    if size == "small":
        table.add(name, f"peak memory, ours / PyTorch, {label}, MB", f"{adamw['peak_bytes'] / 1e6:.0f}",
                  f"{peer['peak_bytes'] / 1e6:.0f}", adamw["peak_bytes"] / peer["peak_bytes"], "<=",
                  0.6 if dtype == "f32" else None)
        table.add(name, f"compile, document to bound program, {label}, s", f"{adamw['compile_ms'] / 1e3:.3f}", "",
                  adamw["compile_ms"] / 1e3, "<=", 0.5)
    table.add(name, f"arena / its lower bound, {label}, MB", f"{whole['arena_bytes'] / 1e6:.0f}",
              f"{whole['arena_lower_bound_bytes'] / 1e6:.0f}", whole["arena_bytes"] / whole["arena_lower_bound_bytes"], "<=", 1.1)


def profile(name, program, methods):
    """The kinds of nodes that take most of a step, as the program prints them."""
    size, dtype, threads = name.split("-")
    out = []
    for title, arguments in methods:
        command = [program, "profile", ROOT / "experiments/models/llama.json", "--size", size, "--dtype", dtype, "--threads",
                   threads, "--steps", "3", "--warmup", "1", "--limit", "0", *arguments]
        text = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True).stdout
        parts, kinds = text.split("\n\n")[:2]
        out.append(f"{title}, {name}\n\n" + parts + "\n\n" + "\n".join(kinds.splitlines()[:13]))
    return "\n\n".join(out)


def header(found, torch_version, command):
    machine = f"{found['cpu']}, {os.cpu_count()} processors, {platform.machine()}, instruction set {found['isa']}"
    commit = subprocess.run(["git", "-C", ROOT, "rev-parse", "--short", "HEAD"], stdout=subprocess.PIPE, text=True).stdout.strip()
    return (f"# Training steps against PyTorch and against oneDNN's own products\n\n"
            f"Made by `{command}`. {machine}; isorbit {found['version']} ({commit}), oneDNN {found['onednn']}, "
            f"PyTorch {torch_version}.\n\n"
            f"Milliseconds are medians of at least 15 steps, after warm-up, taken in alternating rounds of one run. PyTorch is "
            f"the faster of its stock and its tuned setting (contests.py). The share of the ceiling, record and arena are of "
            f"one process. A row is busy where other processes took more than {QUIET:g} of a CPU meanwhile.\n")


def render(contests, pairs, program, command):
    table = Table()
    for contest in contests:
        add_contest(table, contest)
    for pair in pairs:
        size, dtype = pair["name"].split("-")[1:]
        table.add(pair["name"], f"two processes on two cores / one on one, AdamW steps a second, {size} {dtype}", "",
                  f"{pair['ms']:.1f}", pair["ratio"], ">=", 1.9, pair["foreign"])
    text = ""
    if contests:
        first = contests[0]["results"]
        text += header(first["ours adamw"], first["torch adamw"]["torch"], command)
        text += "\nMeasured: " + ", ".join(f"{c['name']} {c['time']}" for c in contests + pairs) + ".\n"
    text += "\n" + table.text() + "\n"
    missed = [c["name"] for c in contests if c["name"] in table.missed]
    if missed:
        text += "\n## Where the time goes in contests with a missed target\n"
        poet = ["--method", ROOT / "experiments/methods/poet_bs.json"]
        for name in missed:
            methods = [("AdamW", [])] + ([("POET-BS b=64", poet)] if name.endswith("2") and "micro" not in name else [])
            text += "\n```\n" + profile(name, program, methods).rstrip() + "\n```\n"
    return text
