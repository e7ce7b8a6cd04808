"""Controllers move parameters, programs choose presets, and controllers learn which parameter is theirs."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Sequence
from functools import partial

from bridge.controls.parameters import PARAMETERS, Value
from bridge.controls.saver import Saver
from bridge.controls.user_file import FORBIDDEN, Controller, UserFile, mappable
from bridge.errors import BridgeError
from bridge.events import ControlChange, InEvent, ProgramChange, Set
from presets.errors import PresetError
from presets.store import Store

LEARN, UNLEARN = "learn", "unlearn"
"""Names of `Set` whose value is the parameter to learn or to forget; nothing, for `learn`, gives up learning."""

logger = logging.getLogger(__name__)


def missing_presets(file: UserFile) -> Iterator[str]:
    """A sentence for each program that `file` gives to a preset that cannot be had."""
    store = Store.default()
    for device, programs in file.programs.items():
        for program, preset in programs.items():
            try:
                store.find(preset)
            except PresetError as error:
                yield f"Program {program} of “{device}” in {file.path} will change nothing: {error}"


class ControlMap:
    """An input stage: makes settings of controllers and programs. What is mapped is kept in the user's file."""

    def __init__(
        self, file: UserFile, presets: Sequence[str] | None = None, tell: Callable[[str], None] = logger.info
    ) -> None:
        """Map as `file` says.

        Args:
            presets: what programs choose from where the file says nothing; None for those of the store, by name.
            tell: told in a sentence what is to be learnt, what was, and why nothing is.
        """
        self.learning: str | None = None
        """The parameter that the next controller moved will be for."""
        self._file = file
        self._presets = list(Store.default().folders()) if presets is None else list(presets)
        self._tell = tell
        self._saver = Saver()
        self._controls = {device: dict(lines) for device, lines in file.controls.items()}
        self._values: dict[str, Value] = {}

    def handle(self, event: InEvent) -> list[InEvent]:
        """Settings in place of controllers that are mapped, of programs, and of what there is to learn."""
        if isinstance(event, ControlChange):
            return self._move(event)
        if isinstance(event, ProgramChange):
            return self._choose(event)
        if isinstance(event, Set):
            if event.name in (LEARN, UNLEARN):
                self._take_lesson(event)
                return []
            self._values.pop(event.name, None)
        return [event]

    def advance(self, seconds: float) -> list[InEvent]:
        """Nothing: time alone moves no controller."""
        return []

    def wake_seconds(self) -> float | None:
        """Never."""
        return None

    def close(self) -> None:
        """Return once the file says what was learnt. Safe to call twice."""
        self._saver.close()

    def _move(self, event: ControlChange) -> list[InEvent]:
        if self.learning is not None and event.control not in FORBIDDEN:
            self._learn(event, self.learning)
        lines = self._controls.get(event.device, {})
        name = lines.get(Controller(event.control, event.channel)) or lines.get(Controller(event.control))
        if name is None:
            return [event]
        value = PARAMETERS[name].from_share(event.value / 127)
        if PARAMETERS[name].kind == "trigger":
            return [Set(event.seconds, name, value)] if value else []
        # A knob passes many positions that mean the same.
        if self._values.get(name) == value:
            return []
        self._values[name] = value
        return [Set(event.seconds, name, value)]

    def _choose(self, event: ProgramChange) -> list[InEvent]:
        name = self._file.programs.get(event.device, {}).get(event.program)
        if name is None and event.program < len(self._presets):
            name = self._presets[event.program]
        if name is None:
            logger.info("program %d of “%s” stands for no preset", event.program, event.device)
            return []
        return [Set(event.seconds, "preset", name)]

    def _take_lesson(self, event: Set) -> None:
        if event.name == LEARN and not event.value:
            self.learning = None
            self._tell("No controller is learnt any more.")
            return
        try:
            name = mappable(event.value)
        except BridgeError as error:
            self._tell(f"Nothing is learnt: {error}")
            return
        if event.name == LEARN:
            self.learning = name
            self._tell(f"The next controller you move will move {name}.")
        else:
            self.learning = None
            for device in self._controls:
                self._forget(device, name)
            self._tell(f"No controller moves {name} any more.")

    def _learn(self, event: ControlChange, name: str) -> None:
        """From now on this controller, on any channel, is for the parameter, and no other one of the device is."""
        self.learning = None
        self._values.pop(name, None)
        self._forget(event.device, name)
        own = Controller(event.control, event.channel)
        lines = self._controls.setdefault(event.device, {})
        controller = own if own in lines else Controller(event.control)
        lines[controller] = name
        self._tell(f"{controller} of “{event.device}” now moves {name}.")
        self._saver.put(partial(self._file.save_control, event.device, controller, name))

    def _forget(self, device: str, name: str) -> None:
        lines = self._controls.get(device, {})
        for controller in [controller for controller, other in lines.items() if other == name]:
            del lines[controller]
            self._saver.put(partial(self._file.save_control, device, controller, None))
