"""How long a fine-tuning takes, part by part, and how much memory it needs; and the page of its results.

Usage: bench/finetune.py FOLDER [--preset NAME] [--minutes N] [--threads N] [--out DIR] [--name NAME]
       bench/finetune.py --raw RAW [-o docs/results/finetune.md] [--preset NAME] [--minutes N] [--threads N] [--out DIR]

A folder is fine-tuned on as `gapt finetune` does it, and the split of the time is printed. With --raw, both folders of
`HELD` below RAW are, each in a process of its own so that its memory is its own, and a page is made of their reports.
What --out has of an earlier call is not made again: without new presets the page is only written anew.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import torch

from gapt_core.finetune.making import Wish, make_preset
from gapt_core.finetune.material import material_of
from gapt_core.finetune.recipe import Options
from gapt_core.finetune.results import MEBIBYTES, MINUTES, Run, results_page
from gapt_core.finetune.watch import Silent
from gapt_core.intake.folder import read_folder
from gapt_core.intake.split import split
from presets.files import write_atomically
from presets.store import ENVIRONMENT

HELD = ("folk_with_chords", "folk_played_melody_only")
"""Folders that stand for a player's songs, with chords and without."""

MEASURED = "measured.json"


class Printing(Silent):
    """Says on the error stream what is being done."""

    def phase(self, name: str, steps: int, done: int = 0) -> None:
        """A line a phase."""
        print(f"{time.strftime('%X')} {name}: {steps} steps, {done} done", file=sys.stderr, flush=True)


def tune(folder: Path, options: argparse.Namespace) -> dict[str, Any]:
    """Fine-tune on `folder`, keep what was measured beside the preset, and give it back."""
    started = time.perf_counter()
    intake = read_folder([folder])
    material = material_of(split(intake.songs, options.seed), intake)
    wish = Wish(options.preset, options.name, replace=True)
    chosen = Options(minutes=options.minutes, steps=options.steps, seed=options.seed, threads=options.threads)
    _, result = make_preset(wish, material, chosen, Printing())
    seconds = dict(result.seconds)
    total = time.perf_counter() - started
    seconds["report, preset and the rest"] = total - sum(seconds.values())
    measured = {
        "folder": folder.name,
        "seconds": {part: round(value, 1) for part, value in seconds.items()},
        "minutes": round(total / 60, 2),
        "mebibytes": round(peak_mebibytes()),
        "threads": result.plan.threads,
        "songs": len(material.train) + len(material.valid) + len(material.held_out),
        "kept": result.kept,
    }
    write_atomically(Path(options.out) / f"{options.name}.{MEASURED}", (json.dumps(measured, indent=1) + "\n").encode())
    print(table(measured))
    return measured


def table(measured: dict[str, Any]) -> str:
    """Where the time went, and whether the goals are met."""
    minutes, mebibytes = measured["minutes"], measured["mebibytes"]
    lines = [
        f"{measured['folder']}: {measured['songs']} songs, {measured['threads']} threads, torch {torch.__version__}"
    ]
    for part, seconds in measured["seconds"].items():
        lines.append(f"{part:<28} {seconds:8.1f} s {seconds / (60 * minutes):6.0%}")
    lines.append(f"{'in all':<28} {60 * minutes:8.1f} s")
    lines.append(f"goal: at most {MINUTES:g} minutes: {verdict(minutes <= MINUTES)} ({minutes:.1f})")
    lines.append(f"goal: at most {MEBIBYTES:.0f} MiB: {verdict(mebibytes <= MEBIBYTES)} ({mebibytes})")
    return "\n".join(lines)


def verdict(met: bool) -> str:
    """As all benchmarks say it."""
    return "met" if met else "MISSED"


def peak_mebibytes() -> float:
    """The most memory that this process has had resident."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / (1024 if sys.platform != "darwin" else 1024 * 1024)


def write_page(raw: Path, page: Path, arguments: list[str], out: Path) -> None:
    """Fine-tune on each folder where that was not done yet, and write the page."""
    runs = []
    for folder in HELD:
        name = folder.replace("_", "-")
        kept = out / f"{name}.{MEASURED}"
        if not kept.exists():
            command = [sys.executable, __file__, str(raw / folder), "--name", name, "--out", str(out), *arguments]
            subprocess.run(command, check=True)
        measured = json.loads(kept.read_text("utf-8"))
        report = json.loads((out / "presets" / name / "report.json").read_text("utf-8"))
        runs.append(Run(folder, report, measured["minutes"], measured["mebibytes"]))
    machine = f"{os.cpu_count()} cores ({platform.machine()}), {platform.system()}, torch {torch.__version__}"
    write_atomically(page, results_page(runs, machine).encode())
    print(f"Written: {page}")


def main() -> None:
    """Print the table, or write the page."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", nargs="?", type=Path, help="one player's songs")
    parser.add_argument("--raw", type=Path, help=f"folder with {' and '.join(HELD)}")
    parser.add_argument("-o", "--page", type=Path, default=Path("docs/results/finetune.md"), help="where the page goes")
    parser.add_argument("--preset", default="default", help="what to begin as (default: default)")
    parser.add_argument("--name", default="bench", help="name of the new preset (default: bench)")
    parser.add_argument("--minutes", type=float, default=Options().minutes, help="how long it may take")
    parser.add_argument("--steps", type=int, help="steps of each stage instead")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--threads", type=int, default=0, help="CPU threads (default: one a core, at most four)")
    parser.add_argument("--out", type=Path, help="folder for presets and measurements (default: a temporary one)")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        options.out = options.out or Path(temporary)
        options.out.mkdir(parents=True, exist_ok=True)
        os.environ[ENVIRONMENT] = str(options.out / "presets")
        if options.raw:
            given = ["--preset", options.preset, "--minutes", str(options.minutes), "--seed", str(options.seed)]
            given += ["--threads", str(options.threads)] + (["--steps", str(options.steps)] if options.steps else [])
            write_page(options.raw, options.page, given, options.out)
        elif options.folder:
            tune(options.folder, options)
        else:
            parser.error("give a folder, or --raw")


if __name__ == "__main__":
    main()
