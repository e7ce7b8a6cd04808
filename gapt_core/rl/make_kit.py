"""From trained anchors and rewards to a training kit, with what each of them scores on songs it has not seen."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from gapt_core.errors import TrainingError
from gapt_core.model.encoder import EncoderConfig
from gapt_core.model.rewards import ContrastiveNet, JudgeConfig
from gapt_core.rl.kit import Kit
from gapt_core.train.anchor import load_anchor
from gapt_core.train.corpus import Corpus
from gapt_core.train.rewards import JudgeTraining, gallery, judge_scores, load_judge
from gapt_core.train.run import BEST, read_state

WHOLE = EncoderConfig()
RHYTHM = EncoderConfig(width=64, layers=2, heads=1, feedforward=128)
"""Of silence, onset and hold there is less to be known."""


def judge_recipes(seeds: int, selection: str) -> dict[str, JudgeTraining]:
    """The rewards of GAPT §3.4, both kinds, with and without pitch, by name: `KIND-SEED`."""
    kinds = {
        "contrastive": (JudgeConfig("contrastive", False, WHOLE), 96, 360),
        "discriminative": (JudgeConfig("discriminative", False, WHOLE), 48, 360),
        "contrastive_rhythm": (JudgeConfig("contrastive", True, RHYTHM), 96, 300),
        "discriminative_rhythm": (JudgeConfig("discriminative", True, RHYTHM), 64, 300),
    }
    return {
        f"{name}-{seed}": JudgeTraining(judge=judge, batch=batch, steps=steps, seed=seed, selection=selection)
        for seed in range(seeds)
        for name, (judge, batch, steps) in kinds.items()
    }


def make_kit(anchors: Sequence[Path], judges: Path, test: Corpus) -> Kit:
    """The kit of some runs.

    Args:
        anchors: folders of runs of `gapt train anchor`.
        judges: the folder of `gapt train rewards`, with a run a net.
        test: songs to score the rewards on; the record of the kit says how many.

    Raises:
        TrainingError: a run has no weights yet, or there are two anchors of one part.
    """
    nets = [load_anchor(folder / BEST) for folder in anchors]
    if len({net.part.name for net in nets}) < len(nets):
        raise TrainingError("Two of the anchors answer with the same part; name one --anchor a part.")
    folders = sorted(path.parent for path in judges.glob(f"*/{BEST}"))
    if not folders:
        raise TrainingError(f"{judges} holds no reward nets; train some with `gapt train rewards`.")
    found = {folder.name: load_judge(folder / BEST) for folder in folders}
    record = {
        "anchors": {net.part.name: _recipe(folder) for net, folder in zip(nets, anchors, strict=True)},
        "judges": {folder.name: _recipe(folder) | {"test": _scores(folder, test)} for folder in folders},
    }
    return Kit({net.part.name: net for net in nets}, found, record)


def _recipe(folder: Path) -> dict[str, Any]:
    """The last stage of a run, which says what the weights were trained on and how."""
    stage: dict[str, Any] = read_state(folder / BEST)["stages"][-1]
    return stage


def _scores(folder: Path, test: Corpus) -> dict[str, Any]:
    recipe = read_state(folder / BEST)["config"]
    net = load_judge(folder / BEST)
    told = JudgeTraining(**recipe | {"judge": net.config})
    # Against other songs' chords, as the paper scores them; what a full net was taught besides is harder.
    plain = judge_scores(net, gallery(test), replace(told, shifted=0.0, chased=0.0))
    return (
        plain if isinstance(net, ContrastiveNet) else plain | {"f1_hard": judge_scores(net, gallery(test), told)["f1"]}
    )
