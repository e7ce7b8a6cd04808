"""A fine-tuning in a process of its own, with small nets: says every step, hears Ctrl-C as the command does.

Usage: finetune_process.py STEPS. The preset `tiny` is in the store, and `mine` is made.
"""

from __future__ import annotations

import sys

from tiny_tunes import RECIPE, tiny_material

from gapt_core.finetune.making import Wish, make_preset
from gapt_core.finetune.recipe import Options
from gapt_core.finetune.watch import Silent, first_interrupt


def say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


class Saying(Silent):
    """Says on the output what happens."""

    def phase(self, name: str, steps: int, done: int = 0) -> None:
        """Say it."""
        say(f"phase {name} {done}/{steps}")

    def step(self, done: int, said: str = "") -> None:
        """Say it."""
        say(f"step {done}")


def main() -> None:
    """Make the preset."""
    with first_interrupt(lambda: say("asked to stop")) as asked:
        options = Options(steps=int(sys.argv[1]), threads=1)
        _, result = make_preset(Wish("tiny", "mine", replace=True), tiny_material(), options, Saying(asked), RECIPE)
    say(f"done {result.steps.likelihood} {result.steps.gapt} {result.stopped}")


if __name__ == "__main__":
    main()
