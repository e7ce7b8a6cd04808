"""The folder that a fine-tuning works in: what was asked for, what was fixed, what the anchor answered, both runs.

It is there from the first call to the finished preset, so that the same call goes on where another was killed. Every
file is written whole or not at all.
"""

from __future__ import annotations

import io
import json
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np
from numpy.typing import NDArray

from gapt_core.errors import TrainingError
from gapt_core.experiment.locks import locked, owner
from gapt_core.finetune.pace import Steps
from presets.files import write_atomically

REQUEST = "request.json"
PLAN = "plan.json"
ANSWERS = "answers.npz"

Tracks = Sequence[NDArray[np.int64]]


@dataclass(frozen=True)
class Plan:
    """What is fixed once: a run is repeated exactly only with as many steps and threads."""

    steps: Steps
    threads: int


class Workshop:
    """One fine-tuning's folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    @contextmanager
    def opened(self, request: Mapping[str, Any], *, restart: bool = False) -> Iterator[bool]:
        """Work in the folder for `request`, alone; whether there is work of an earlier call to go on with.

        Args:
            request: plain values: everything that the outcome depends on.
            restart: whether earlier work gives way.

        Raises:
            TrainingError: another process works here, or there is work for another request.
        """
        self.folder.mkdir(parents=True, exist_ok=True)
        with locked(self.folder) as got:
            if not got:
                raise TrainingError(
                    f"Process {owner(self.folder)} is fine-tuning a preset of this name; wait for it, or take another "
                    "--name."
                )
            if restart:
                self._empty()
            yield self._resumed(json.loads(json.dumps(request)))

    def plan(self) -> Plan | None:
        """What was fixed, if it was."""
        told = _read_json(self.folder / PLAN)
        return None if told is None else Plan(Steps(**told["steps"]), told["threads"])

    def fix(self, plan: Plan) -> None:
        """Fix `plan` for all calls to come."""
        write_atomically(self.folder / PLAN, _json(asdict(plan)))

    def answers(self) -> list[Tracks] | None:
        """The anchor's chord tracks, `[draws][songs]`, if they are there."""
        try:
            with np.load(self.folder / ANSWERS) as arrays:
                tracks, lengths, draws = arrays["tracks"], arrays["lengths"], int(arrays["draws"])
        except (OSError, ValueError, KeyError, BadZipFile):
            return None
        each = np.split(tracks, np.cumsum(lengths)[:-1])
        songs = len(each) // draws
        return [each[draw * songs : (draw + 1) * songs] for draw in range(draws)]

    def keep_answers(self, answers: Sequence[Tracks]) -> None:
        """Keep the anchor's chord tracks."""
        each = [track for draw in answers for track in draw]
        file = io.BytesIO()
        lengths = np.array([len(track) for track in each])
        np.savez_compressed(file, tracks=np.concatenate(each), lengths=lengths, draws=np.array(len(answers)))
        write_atomically(self.folder / ANSWERS, file.getvalue())

    def remove(self) -> None:
        """Leave nothing behind: the work is done."""
        shutil.rmtree(self.folder, ignore_errors=True)

    def _resumed(self, request: dict[str, Any]) -> bool:
        earlier = _read_json(self.folder / REQUEST)
        if earlier is None:
            self._empty()
            write_atomically(self.folder / REQUEST, _json(request))
            return False
        if earlier != request:
            changed = ", ".join(sorted(name for name in {*earlier, *request} if earlier.get(name) != request.get(name)))
            raise TrainingError(
                f"A fine-tuning of this name was begun with other {changed} and not finished; repeat that call to go "
                "on, or add --restart to begin anew."
            )
        return True

    def _empty(self) -> None:
        """Take everything away but the lock, what the work depends on first."""
        for path in sorted(self.folder.iterdir(), key=lambda path: path.name != REQUEST):
            if path.is_dir():
                shutil.rmtree(path)
            elif path.name in (REQUEST, PLAN, ANSWERS):
                path.unlink()


def _read_json(path: Path) -> dict[str, Any] | None:
    try:
        told: dict[str, Any] = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError):
        return None
    return told


def _json(values: Mapping[str, Any]) -> bytes:
    return (json.dumps(values, indent=1) + "\n").encode()
