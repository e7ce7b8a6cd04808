"""The two stages of fine-tuning: maximum likelihood on the player's chords, then post-training over the melodies.

Each is a run in a folder of its own that can be killed at any moment and goes on exactly. A stage that is asked to stop
writes nothing: its folder stays as its last checkpoint left it, and its weights are taken as they stand.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gapt_core.finetune.watch import Watch
from gapt_core.model.policy import PolicyNet
from gapt_core.rl.gapt import WEIGHTS, Gapt, train_gapt
from gapt_core.rl.kit import Kit
from gapt_core.rl.recipe import GaptConfig
from gapt_core.rl.record import forget_after
from gapt_core.train.corpus import Corpus
from gapt_core.train.policy import TrainConfig, Trained, Trainer, load_best
from gapt_core.train.run import BEST, CHECKPOINT, LOG

LIKELIHOOD = "likelihood"
POST_TRAINING = "post-training"

Record = dict[str, Any]


@dataclass(frozen=True)
class Learned:
    """What came of a stage: weights with all their stages, those that it began with, and how many steps were taken,
    earlier calls' included."""

    trained: Trained
    began: Trained
    steps: int


class _Stopped(Exception):
    """Somebody asked the stage to stop."""


def learn_likelihood(
    start: Trained, songs: tuple[Corpus, Corpus], config: TrainConfig, folder: Path, watch: Watch
) -> Learned:
    """Maximum likelihood from `start`; the weights that foretell the songs that choose best, `start` among them.

    Args:
        songs: what is learned from, and what chooses.

    Raises:
        TrainingError: the folder holds another run, or a damaged one.
    """
    corpus, valid = songs
    trainer = Trainer(corpus, valid, config, folder, start)
    if not (folder / CHECKPOINT).exists():
        # The best so far is what it begins as: what is not better than that is not taken.
        trainer.best = float(trainer.learner.validate()["validation"])
    forget_after(folder / LOG, trainer.step)
    watch.phase("learning your chords", config.steps, trainer.step)
    stopped = _until_stopped(lambda show: trainer.to_end(show), watch, _likelihood_figures)
    best = load_best(folder / BEST) if (folder / BEST).exists() else start
    if stopped and trainer.step:
        now = float(trainer.learner.validate()["validation"])
        if now < trainer.best:
            stage = config.to_dict() | {"step": trainer.step, "validation": now}
            best = Trained(_at_rest(trainer.net), (*start.stages, stage))
    return Learned(best, start, trainer.step)


def post_train(start: Trained, corpus: Corpus, kit: Kit, config: GaptConfig, folder: Path, watch: Watch) -> Learned:
    """Post-training from `start`, held to it; its last weights, or where it came apart the last that were saved.

    Raises:
        TrainingError: the folder holds another run, or a damaged one; the kit has no anchor for the chords.
    """
    run = Gapt(corpus, kit, Trained(copy.deepcopy(start.net), start.stages), folder, config)
    watch.phase("playing and being judged", config.steps, run.step)
    apart = False

    def figures(record: Record) -> str:
        nonlocal apart
        apart = apart or bool(record.get("diverged"))
        return _gapt_figures(record)

    _until_stopped(lambda show: train_gapt(run, show), watch, figures)
    if apart:
        watch.say("Post-training came apart: its last whole weights are taken; a smaller --strength would go steadier.")
        return Learned(load_best(folder / WEIGHTS), start, run.step)
    stage = {"kind": "gapt", "step": run.step, **config.to_dict(), **run.origin}
    return Learned(Trained(_at_rest(run.ppo.policy), (*start.stages, stage)), start, run.step)


def _until_stopped(
    work: Callable[[Callable[[Record], None]], object], watch: Watch, figures: Callable[[Record], str]
) -> bool:
    """Let `work` show its records until it ends or somebody asks it to stop; whether that was so."""

    def show(record: Record) -> None:
        watch.step(record["step"], figures(record))
        if watch.asked_to_stop():
            raise _Stopped

    if watch.asked_to_stop():
        return True
    try:
        work(show)
    except _Stopped:
        return True
    return False


def _likelihood_figures(record: Record) -> str:
    if "validation" in record:
        return f"{record['validation'] / 2:.3f} nats a frame on the songs that choose"
    return f"{record['chord_loss']:.3f} nats a frame"


def _gapt_figures(record: Record) -> str:
    if "note_in_chord" not in record or math.isnan(record["note_in_chord"]):
        return "warming up"
    return (
        f"in chord {record['note_in_chord']:.2f}, onsets/bar {record['onsets_per_bar']:.2f}, KL {record['kl']:.3f}, "
        f"reward {record['reward']:.2f}"
    )


def _at_rest(net: PolicyNet) -> PolicyNet:
    """A copy on the CPU, ready to play."""
    return copy.deepcopy(net).cpu().requires_grad_(False).eval()
