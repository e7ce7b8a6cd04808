"""From trained anchors and rewards to a training kit, with what each of them scores on songs it has not seen."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

from gapt_core.errors import TrainingError
from gapt_core.model.encoder import EncoderConfig
from gapt_core.model.rewards import ContrastiveNet, JudgeConfig
from gapt_core.rl.coherence import Judge
from gapt_core.rl.kit import Kit
from gapt_core.train.anchor import load_anchor
from gapt_core.train.corpus import Corpus
from gapt_core.train.rewards import JudgeTraining, gallery, judge_scores, load_judge
from gapt_core.train.run import BEST, DAMAGE, read_stages, read_state

WHOLE = EncoderConfig()
RHYTHM = EncoderConfig(width=64, layers=2, heads=1, feedforward=128)
"""Of silence, onset and hold there is less to be known."""

KINDS = {
    "contrastive": (JudgeConfig("contrastive", False, WHOLE), 96, 360),
    "discriminative": (JudgeConfig("discriminative", False, WHOLE), 48, 360),
    "contrastive_rhythm": (JudgeConfig("contrastive", True, RHYTHM), 96, 300),
    "discriminative_rhythm": (JudgeConfig("discriminative", True, RHYTHM), 64, 300),
}
"""The rewards of GAPT §3.4, both kinds, with and without pitch: net, crops a step, steps."""

SEEDS = 2
"""Nets of each kind in GAPT §3.4."""


def judge_recipes(seeds: int, selection: str) -> dict[str, JudgeTraining]:
    """How to train the rewards, by name: `KIND-SEED`."""
    return {
        f"{name}-{seed}": JudgeTraining(judge=judge, batch=batch, steps=steps, seed=seed, selection=selection)
        for seed in range(seeds)
        for name, (judge, batch, steps) in KINDS.items()
    }


def make_kit(anchors: Sequence[Path], judges: Path, test: Corpus) -> Kit:
    """The kit of some runs.

    Args:
        anchors: folders of runs of `gapt train anchor`, one a part that is to be post-trained.
        judges: the folder of `gapt train rewards`, with a run a net: of every seed all four kinds, for they are added
            up, and half a set would judge by other weights.
        test: songs to score the rewards on; the record of the kit says how many.

    Raises:
        TrainingError: a run has no weights yet or does not say where they are from, there are two anchors of one part,
            or the rewards are no whole set.
    """
    nets = [load_anchor(folder / BEST) for folder in anchors]
    if len({net.part.name for net in nets}) < len(nets):
        raise TrainingError("Two of the anchors answer with the same part; name one --anchor a part.")
    stages = {net.part.name: _last_stage(folder) for net, folder in zip(nets, anchors, strict=True)}
    found = {folder.name: (load_judge(folder / BEST), _last_stage(folder)) for folder in _runs_in(judges)}
    _require_whole({name: _name_of(net, stage) for name, (net, stage) in found.items()}, judges)
    tested = {name: stage | {"test": _scores(net, stage, test)} for name, (net, stage) in found.items()}
    record = {"anchors": stages, "judges": tested}
    return Kit({net.part.name: net for net in nets}, {name: net for name, (net, _) in found.items()}, record)


def _runs_in(judges: Path) -> list[Path]:
    folders = sorted(path.parent for path in judges.glob(f"*/{BEST}"))
    if not folders:
        raise TrainingError(f"{judges} holds no reward nets; train some with `gapt train rewards`.")
    return folders


def _require_whole(names: Mapping[str, str], judges: Path) -> None:
    """Refuse what is no whole set of rewards; `names` are those of the nets by the names of their folders."""
    for folder, name in names.items():
        if folder != name:
            raise TrainingError(f"{judges / folder} holds the reward {name}; give the folder its name or take it away.")
    seeds = sorted({name.rpartition("-")[2] for name in names})
    if missing := [f"{kind}-{seed}" for seed in seeds for kind in KINDS if f"{kind}-{seed}" not in names]:
        raise TrainingError(
            f"{judges} has no {', '.join(missing)}, and half a set judges by other weights; train what is missing with "
            "`gapt train rewards --only NAME`."
        )


def _last_stage(folder: Path) -> dict[str, Any]:
    """The last stage of a run, which says what the weights were trained on and how."""
    try:
        return read_stages(read_state(folder / BEST))[-1]
    except DAMAGE as error:
        raise TrainingError(f"{folder / BEST} does not say how it was trained; train it again.") from error


def _name_of(net: Judge, stage: Mapping[str, Any]) -> str:
    return f"{net.config.kind}{'_rhythm' * net.config.rhythm}-{stage.get('seed', '?')}"


def _scores(net: Judge, stage: Mapping[str, Any], test: Corpus) -> dict[str, Any]:
    known = {field.name: stage[field.name] for field in fields(JudgeTraining) if field.name in stage}
    told = JudgeTraining(**known | {"judge": net.config})
    # Against other songs' chords, as the paper scores them; what a full net was taught besides is harder.
    plain = judge_scores(net, gallery(test), replace(told, shifted=0.0, chased=0.0))
    if isinstance(net, ContrastiveNet):
        return plain
    return plain | {"f1_hard": judge_scores(net, gallery(test), told)["f1"]}
