"""Writes docs/training.md, and the figures in README.md, from the logs and the presets that ship."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator
from pathlib import Path
from statistics import mean
from typing import Any

from gapt_core.evaluate.card import plain_sets
from gapt_core.evaluate.measure import MODES, TRUTH
from gapt_core.evaluate.tables import from_json, mean_table
from gapt_core.rl.recipe import GaptConfig, as_published
from presets.store import Store

HERE = Path(__file__).parent
README = HERE.parent / "README.md"
BLOCK = re.compile(r"(?<=<!-- figures -->\n).*?(?=<!-- end of figures -->)", re.DOTALL)
NETS = 8
AVERAGED_NETS = 4
AVERAGED = frozenset({"no-style"})
"""Pilots in which the two coherence nets of a kind were averaged and not added up."""

STAGES = ("trunk", "public-domain", "default", "public-domain-bars", "default-bars")


def page() -> str:
    """docs/training.md."""
    text = (HERE / "training" / "text.md").read_text("utf-8")
    tables = {
        "{temperatures}": means("figures-*.json", "temperature"),
        "{doubt}": means("doubt-*.json", "doubt"),
        "{validations}": validations(),
        "{kit}": kit(),
        "{constants}": constants(),
        "{steps}": steps(),
        "{pilots}": pilots(),
        "{seeds}": seeds(),
    }
    for place, rows in tables.items():
        text = text.replace(place, "\n".join(rows))
    return text


def means(pattern: str, title: str) -> Iterator[str]:
    """One table row for each figure file, split and mode: means over the sets; a file's name ends in its value."""
    yield f"| {title} | split | mode | in chord | onsets/bar | the data's | silent | chords | the data's |"
    yield "|---|---|---|---|---|---|---|---|---|"
    for file in sorted((HERE / "training").glob(pattern), reverse=True):
        tables = from_json(json.loads(file.read_text("utf-8")))
        for split in ("test", "ood"):
            mean = mean_table(tables, split)
            assert mean is not None
            truth = mean.rows[TRUTH].figures
            for mode in MODES:
                row = mean.rows[mode].figures
                yield (
                    f"| {file.stem.split('-')[-1]} | {split} | {mode} | {row.note_in_chord:.3f} "
                    f"| {row.onsets_per_bar:.2f} | {truth.onsets_per_bar:.2f} | {row.silence:.3f} "
                    f"| {row.unique_chords:.1f} | {truth.unique_chords:.1f} |"
                )


def validations() -> Iterator[str]:
    """One table row a validation of every stage."""
    yield "| run | step | anticipate | react | melody |"
    yield "|---|---|---|---|---|"
    for stage in STAGES:
        for line in (HERE / "training" / f"{stage}.jsonl").read_text("utf-8").splitlines():
            record = json.loads(line)
            losses = (record["anticipate_mean"], record["react_mean"], record["melody_mean"])
            yield f"| {stage} | {record['step']} | " + " | ".join(f"{loss:.4f}" for loss in losses) + " |"


def seeds() -> Iterator[str]:
    """Means over the validation sets: the data, then every seed of post-training in both modes."""
    told = (
        "note_in_chord",
        "onsets_per_bar",
        "unique_chords",
        "entropy",
        "pitch_classes",
        "longest_repetition",
        "vendi",
    )
    yield "| weights | mode | in chord | onsets/bar | chords | entropy | pcs | run | Vendi |"
    yield "|---" * 9 + "|"
    files = sorted((HERE / "training" / "seeds").glob("*.json"))
    for number, file in enumerate(files):
        found = mean_table(from_json(json.loads(file.read_text("utf-8"))), "test")
        assert found is not None
        for row in MODES if number else (TRUTH, *MODES):
            values = found.rows[row].to_dict()
            name = "-" if row == TRUTH else file.stem
            yield f"| {name} | {row} | " + " | ".join(f"{values[figure]:.3f}" for figure in told) + " |"


def kit() -> Iterator[str]:
    """One table row a net of the shipped kit, from the log of its training."""
    yield "| net | steps | seconds a step | minutes | at the end |"
    yield "|---|---|---|---|---|"
    for file in sorted((HERE / "training" / "kit").glob("*.jsonl")):
        records = [json.loads(line) for line in file.read_text("utf-8").splitlines()]
        times = [record["seconds"] for record in records if "seconds" in record]
        reached = records[-1]["validation"]
        score = f"{reached:.3f} nats a frame" if reached > 0 else f"{-reached:.3f}"
        yield f"| {file.stem} | {len(times)} | {mean(times):.2f} | {sum(times) / 60:.1f} | {score} |"


def constants() -> Iterator[str]:
    """One table row a constant of post-training that is not the paper's."""
    yield "| constant | here | the paper's code |"
    yield "|---|---|---|"
    ours, theirs = flat(GaptConfig().to_dict()), flat(as_published(GaptConfig()).to_dict())
    for name in (name for name in ours if ours[name] != theirs[name]):
        yield f"| `{name}` | {told(ours[name])} | {told(theirs[name])} |"


def flat(config: dict[str, Any], place: str = "") -> dict[str, Any]:
    """The fields of a recipe by their paths, as a grid of an experiment nests them."""
    fields: dict[str, Any] = {}
    for name, value in config.items():
        fields |= flat(value, f"{place}{name}.") if isinstance(value, dict) else {place + name: value}
    return fields


def told(value: Any) -> str:
    """A constant as one writes it."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:g}" if isinstance(value, float) else str(value)


def steps() -> Iterator[str]:
    """One table row a run of post-training: where the seconds of its steps went, on average."""
    parts = ("rollout", "rewards", "anchor", "policy", "value", "adversary", "total")
    yield "| run | rate | steps | " + " | ".join(parts) + " | ratios clipped |"
    yield "|---" * (len(parts) + 4) + "|"
    for file in sorted((HERE / "training" / "steps").glob("*.jsonl")):
        first, *records = [json.loads(line) for line in file.read_text("utf-8").splitlines()]
        times = [f"{mean(record['seconds'][part] for record in records):.2f}" for part in parts]
        clipped = mean(record["clip_fraction"] for record in records)
        rate = told(first["recipe"]["ppo"]["rate"])
        yield f"| {file.stem} | {rate} | {len(records)} | " + " | ".join(times) + f" | {clipped:.2%} |"


def pilots() -> Iterator[str]:
    """One table row a pilot of post-training: means of its first and of its last ten steps."""
    yield "| pilot | steps | coherence a net | in chord | onsets/bar | chords | KL | R_adv |"
    yield "|---|---|---|---|---|---|---|---|"
    for file in sorted((HERE / "training" / "pilots").glob("*.jsonl")):
        records = [json.loads(line) for line in file.read_text("utf-8").splitlines()]
        nets = AVERAGED_NETS if file.stem in AVERAGED else NETS
        rows = [[pilot_figures(record, nets) for record in part] for part in (records[:10], records[-10:])]
        ends = [list(zip(*part, strict=True)) for part in rows]
        cells = [
            "-" if math.isnan(mean(first)) else f"{mean(first):.2f} → {mean(last):.2f}"
            for first, last in zip(*ends, strict=True)
        ]
        yield f"| {file.stem} | {len(records)} | " + " | ".join(cells) + " |"


def pilot_figures(record: dict[str, Any], nets: int) -> tuple[float, ...]:
    """What a pilot's table shows of one step; the coherence is that of one net, however the seeds were added up."""
    kinds = ("contrastive", "contrastive_rhythm", "discriminative", "discriminative_rhythm")
    coherence = [record["rewards"][kind] for kind in kinds]
    reward = record["adversary"].get("reward", math.nan)
    figures = (record["note_in_chord"], record["onsets_per_bar"], record["unique_chords"], record["kl"], reward)
    return (sum(coherence) / nets, *figures)


def figures() -> str:
    """The README's table: note in chord of each set, for the data, the control and both modes."""
    shipped = plain_sets(Store.default().find("default").manifest.figures)
    lines = ["| set | songs' own chords | another song's | `anticipate` | `react` |", "|---|---|---|---|---|"]
    for name, rows in shipped.items():
        values = [rows[row]["note_in_chord"] for row in ("ground truth", "shuffled control", "anticipate", "react")]
        lines.append(f"| {name} | " + " | ".join("-" if value is None else f"{value:.2f}" for value in values) + " |")
    return "\n" + "\n".join(lines) + "\n\n"


def readme() -> str:
    """README.md with its figures brought up to date."""
    return BLOCK.sub(lambda _: figures(), README.read_text("utf-8"))


if __name__ == "__main__":
    (HERE / "training.md").write_text(page(), "utf-8")
    README.write_text(readme(), "utf-8")
