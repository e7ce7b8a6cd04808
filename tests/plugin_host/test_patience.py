"""The live player bears a long chord exactly as long as evaluation does, whose figures stand in the presets."""

from __future__ import annotations

import numpy as np
import pytest

from gapt_core.evaluate.rollout import PlayConfig, play
from gapt_core.export.load import load_policy
from gapt_core.model.step import Stepper
from gapt_core.patience import FREE_FRAMES
from gapt_core.train.corpus import Piece
from gapt_core.vocabulary import CHORD_HOLD, NOTE_HOLD, NOTE_ONSET
from plugin_host.accompanist import MelodyFrame, PlanRequest, Sampling
from plugin_host.player import Player
from plugin_host.worker_policy import TorchPolicy
from presets.store import Store

FRAMES = 240
TUNE = [token + pitch for pitch in (60, 62, 64, 60, 65, 64, 62) for token in (NOTE_ONSET, *[NOTE_HOLD] * 3)]
DRONE = [*TUNE, NOTE_ONSET + 60, *[NOTE_HOLD + 60] * (FRAMES - len(TUNE) - 1)]
PLACES = [(frame % 16, 16, 4) for frame in range(FRAMES)]


@pytest.mark.parametrize("mode", ["react", "anticipate"])
def test_a_drone_is_played_as_evaluation_plays_it(mode: str) -> None:
    net = load_policy(Store.default().find("default-mle"))
    piece = Piece("drone", 0, np.array(DRONE), np.zeros(FRAMES, dtype=np.int64), np.array(PLACES))
    expected = play(net, [piece], PlayConfig(mode, temperature=0.0))[0].tolist()
    onsets = [frame for frame, token in enumerate(expected) if token < CHORD_HOLD]
    assert max(np.diff(onsets)) > FREE_FRAMES  # a chord that only the bound brought to an end

    player = Player(TorchPolicy(Stepper(net).eval()), Sampling(temperature=0.0))
    chords: list[int] = []
    for frame, (melody, place) in enumerate(zip(DRONE, PLACES, strict=True)):
        if frame >= len(chords):
            now = melody if mode == "react" else None
            chords += player.plan(PlanRequest(frame, now, (place,))).tokens
        player.feed(MelodyFrame(frame, melody, place))
    assert chords == expected
