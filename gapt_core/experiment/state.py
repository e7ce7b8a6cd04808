"""What is known of a run without opening its files: settings, inputs, and which stages are done."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, Protocol

from gapt_core.errors import TrainingError
from gapt_core.experiment.grid import RunSettings
from presets.files import write_atomically

STATE = "state.json"

Inputs = Mapping[str, Path]
"""Name of an input to its file or folder: `songs`, the corpus, and whatever else a stage stands on."""


class StageFunction(Protocol):
    """A part of a run.

    It reads `inputs`, writes into `folder` and nowhere else. A kill may come at any moment; called again it goes
    on from what it left, and called when all is there it returns at once. It has to be a function of a module, so
    that it can be sent to another process.
    """

    def __call__(self, folder: Path, settings: RunSettings, inputs: Inputs) -> None: ...


@dataclass(frozen=True)
class Stage:
    """A function and the name under which it is noted as done."""

    name: str
    work: StageFunction


Stages = Sequence[Stage]


@dataclass(frozen=True)
class RunState:
    """The record in a run's folder.

    Attributes:
        digest: of the settings; `inputs` likewise of the input files.
        done: name of a finished stage to the seconds of its last call.
        failure: why the last attempt ended, empty if it did not fail.
    """

    settings: dict[str, Any]
    digest: str
    inputs: str
    done: dict[str, float] = field(default_factory=dict)
    failure: str = ""

    def has(self, stages: Stages) -> bool:
        """Whether all stages are done."""
        return all(stage.name in self.done for stage in stages)


def read_state(folder: Path) -> RunState | None:
    """The record of the run in `folder`; None if no run was begun there.

    Raises:
        TrainingError: the record is damaged.
    """
    try:
        return RunState(**json.loads((folder / STATE).read_text("utf-8")))
    except FileNotFoundError:
        return None
    except (ValueError, TypeError) as error:
        raise TrainingError(f"{folder / STATE} is damaged; remove the folder to begin the run anew.") from error


def settings_of(state: RunState) -> RunSettings:
    """The settings that the record was made for.

    Raises:
        TrainingError: they are not those of a run.
    """
    try:
        return RunSettings(**state.settings)
    except TypeError as error:
        raise TrainingError(f"A {STATE} tells of no run ({error}); remove its folder to begin the run anew.") from error


def begin(folder: Path, settings: RunSettings, inputs: str) -> RunState:
    """The record of the run, made if there is none; an earlier failure is forgotten.

    Raises:
        TrainingError: the folder holds a run of other settings or inputs, or a damaged record.
    """
    state = read_state(folder)
    if state is None:
        state = RunState(settings.to_dict(), settings.digest, inputs)
        write_state(folder, state)
    if (state.digest, state.inputs) != (settings.digest, inputs):
        other = "settings" if state.digest != settings.digest else "songs or nets"
        raise TrainingError(f"{folder} holds a run with other {other}; choose another --out or remove the folder.")
    return replace(state, failure="")


def write_state(folder: Path, state: RunState) -> None:
    """Write the record whole or not at all."""
    write_atomically(folder / STATE, (json.dumps(asdict(state), indent=1) + "\n").encode())


def note_failure(folder: Path, reason: str) -> None:
    """Write into the record why the run could not go on; a run without a record has nothing to note."""
    state = read_state(folder)
    if state is not None:
        write_state(folder, replace(state, failure=reason))


def fingerprint(inputs: Inputs) -> str:
    """Hash of the contents of all inputs, whatever their folders are called."""
    digest = hashlib.sha256()
    for name, path in sorted(inputs.items()):
        for file in sorted(path.rglob("*")) if path.is_dir() else [path]:
            if file.is_file():
                content = hashlib.sha256(file.read_bytes()).hexdigest()
                digest.update(f"{name} {file.relative_to(path).as_posix()} {content}\n".encode())
    return digest.hexdigest()[:16]
