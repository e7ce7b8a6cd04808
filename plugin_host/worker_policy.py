"""The compiled step as a `plugin_host.player.Policy`: numbers in, numpy logits out, warm before it plays."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from gapt_core.export.script import compiled_stepper
from gapt_core.vocabulary import CHORD_ONSET, NOTE_ONSET, STYLES
from plugin_host.errors import HostError
from plugin_host.player import HIDDEN, StepInput
from presets.store import Store

WARM_STEPS = 64
"""TorchScript settles within a handful of steps; the rest bring memory and caches to where they will be."""


class TorchPolicy:
    """Steps a `gapt_core.model.step.Stepper`, eager or compiled. For one thread at a time.

    Args:
        stepper: nobody else may step it.
        style: index in `STYLES`.
    """

    def __init__(self, stepper: Any, style: int = 0) -> None:
        self.window: int = stepper.window
        self.spare: int = stepper.spare
        self._stepper = stepper
        self._numbers = np.zeros(4, dtype=np.int64)
        self._numbers[3] = style
        self._metre = np.zeros((1, 3), dtype=np.int64)
        tokens = torch.from_numpy(self._numbers).split(1)
        self._inputs = (*tokens[:3], torch.from_numpy(self._metre), tokens[3])
        self._position = 0
        self._furthest = 0
        self.reset()

    @property
    def position(self) -> int:
        """Steps taken since `reset`, those set back not counted."""
        return self._position

    @torch.inference_mode()
    def step(self, frame: StepInput) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Logits of the chord's actions `[ACTIONS]` and of the melody's `[NOTE_ACTIONS]`."""
        self._numbers[:3] = frame.melody, frame.chord, frame.now
        self._metre[0] = frame.metre
        chord, melody = self._stepper.step(*self._inputs)
        self._position += 1
        self._furthest = max(self._furthest, self._position)
        return chord[0].numpy(), melody[0].numpy()

    def rewind(self, position: int) -> None:
        """Go back to `position`.

        Raises:
            ValueError: that is ahead, or more than `spare` steps behind the furthest one.
        """
        if not 0 <= position <= self._position or self._furthest - position > self.spare:
            raise ValueError(f"cannot go from position {self._position} to {position}")
        self._stepper.rewind(position)
        self._position = position

    def reset(self) -> None:
        """Forget everything."""
        self._stepper.reset()
        self._position = self._furthest = 0

    def warm(self, steps: int = WARM_STEPS) -> None:
        """Step on music of no meaning until the first real step costs no more than any other; ends at frame 0."""
        for count in range(steps):
            now = HIDDEN if count % 2 else NOTE_ONSET + 60
            self.step(StepInput(NOTE_ONSET + 60, CHORD_ONSET, now, (count % 16, 16, 4)))
            if count % 16 == 15:
                self.rewind(count - 8 if count < steps - 1 else self._position)
        self.reset()


def load_torch_policy(preset: str, style: str = STYLES[0]) -> TorchPolicy:
    """The policy of a preset, compiled and warm; `preset` is a name or a folder, `style` one of `STYLES`.

    Raises:
        PresetError: there is no such preset, or it cannot be loaded.
        ExportError: it cannot be compiled.
        HostError: there is no such style.
    """
    if style not in STYLES:
        raise HostError(f"There is no style “{style}”: choose one of {', '.join(STYLES)}.")
    policy = TorchPolicy(compiled_stepper(Store.default().find(preset)), STYLES.index(style))
    policy.warm()
    return policy
