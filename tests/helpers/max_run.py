"""A patcher for Max played without Max: as much of its message passing and of its objects as our patches use.

As Max's documentation has it: an outlet that leads to several boxes serves the one furthest right first, and of those
below each other the lowest; what a message sets off is done before the next; objects output from right to left.

A message is a list of numbers and words; a bang is `["bang"]`.
"""

from __future__ import annotations

import heapq
import itertools
import re
from collections.abc import Callable
from typing import Any

from max_objects import Patch

Atom = int | float | str
Message = list[Atom]

BANG: Message = ["bang"]


class Scheduler:
    """Max's time, in milliseconds."""

    def __init__(self) -> None:
        self.now = 0.0
        self._due: list[tuple[float, int, Callable[[], None]]] = []
        self._count = itertools.count()

    def after(self, delay: float, task: Callable[[], None]) -> None:
        """Do `task` after `delay`."""
        heapq.heappush(self._due, (self.now + delay, next(self._count), task))

    def run(self, milliseconds: float) -> None:
        """Let this much time pass."""
        end = self.now + milliseconds
        while self._due and self._due[0][0] <= end:
            self.now, _, task = heapq.heappop(self._due)
            task()
        self.now = end


class Running:
    """A patcher that runs.

    Attributes:
        said: messages that went to `udpsend`.
        played: notes that went to an outlet, or MIDI messages that went to `midiout`.
        outlets: messages that left by each outlet.
        song: what `transport` tells: tempo, metre, whether it rolls, ticks.
    """

    def __init__(
        self,
        patch: Patch,
        arguments: list[Atom] | None = None,
        attributes: list[Message] | None = None,
        *,
        scheduler: Scheduler | None = None,
        outer: Running | None = None,
    ) -> None:
        self.patch = patch
        self.scheduler = scheduler or Scheduler()
        self.arguments, self.attributes = arguments, attributes or []
        self.said: list[Message] = outer.said if outer else []
        self.played: list[Message] = outer.played if outer else []
        self.song: dict[str, Any] = outer.song if outer else {"tempo": 120.0, "metre": [4, 4], "on": 0, "ticks": 0.0}
        self.outlets: dict[int, list[Message]] = {}
        self.on_outlet: Callable[[int, Message], None] = lambda index, message: None
        self.inner: dict[str, Running] = {}
        self._state: dict[str, dict[Any, Any]] = {name: {} for name in patch.boxes}
        self._lines: dict[tuple[str, int], list[tuple[str, int]]] = {}
        for source, outlet, target, inlet in patch.lines:
            self._lines.setdefault((source, outlet), []).append((target, inlet))
        for targets in self._lines.values():
            targets.sort(key=lambda target: self._place(target[0]), reverse=True)
        self._ports = {kind: self._ordered(kind) for kind in ("inlet", "outlet")}
        for name, box in patch.boxes.items():
            if "patcher" in box.attributes:
                self._enclose(name, Patch.within(box))

    def load(self) -> None:
        """What happens when the patch is opened."""
        for inside in self.inner.values():
            inside.load()
        for kind in ("patcherargs", "loadbang"):
            for name, box in self.patch.boxes.items():
                if box.text.split(" ")[0] == kind:
                    self.receive(name, 0, BANG)
        for name, box in self.patch.boxes.items():
            value = box.attributes.get("saved_attribute_attributes", {}).get("valueof", {})  # type: ignore[attr-defined]
            if value.get("parameter_initial_enable"):
                self.receive(name, 0, list(value["parameter_initial"]))

    def close(self) -> None:
        """What happens when the patch is closed."""
        for running in (self, *self.inner.values()):
            for name in running.named("closebang"):
                running.receive(name, 0, BANG)

    def put(self, inlet: int, *message: Atom) -> None:
        """A message into an inlet of the patch, counted from 0."""
        self._out(self._ports["inlet"][inlet], 0, [*message])

    def hear(self, *message: Atom) -> None:
        """A message that `udpreceive` hears."""
        for running in (self, *self.inner.values()):
            for name in running.named("udpreceive"):
                running._out(name, 0, [*message])

    def midi(self, *message: int) -> None:
        """A MIDI message that comes to the device."""
        for byte in message:
            self._out(self.named("midiin")[0], 0, [byte])

    def named(self, text: str) -> list[str]:
        """Boxes of that object, or that hold that parameter of Live's."""
        kinds = {name: box.text.split(" ")[0] for name, box in self.patch.boxes.items() if box.kind == "newobj"}
        return [
            name for name, box in self.patch.boxes.items() if text in (kinds.get(name), box.attributes.get("varname"))
        ]

    def shown(self, name: str) -> Any:
        """What a box shows: the value of a control, the text of a comment."""
        return self._state[name].get("value", self.patch.boxes[name].text)

    def receive(self, name: str, inlet: int, message: Message) -> None:
        """A message comes to an inlet of a box."""
        box = self.patch.boxes[name]
        if name in self.inner:
            self.inner[name].put(inlet, *message)
            return
        kind = box.text.split(" ")[0] if box.kind == "newobj" else box.kind
        handler = getattr(self, "_" + NAMES.get(kind, kind.replace("live.", "live_")))
        handler(name, box.text.split(" ")[1:] if box.kind == "newobj" else [], inlet, message)

    def _enclose(self, name: str, patch: Patch) -> None:
        inside = Running(patch, scheduler=self.scheduler, outer=self)
        inside.on_outlet = lambda index, message: self._out(name, index, message)
        self.inner[name] = inside

    def _place(self, name: str) -> tuple[float, float]:
        x, y, *_ = self.patch.boxes[name].attributes["patching_rect"]  # type: ignore[misc]
        return x, y

    def _ordered(self, kind: str) -> list[str]:
        """Inlets or outlets from left to right, which is how Max counts them."""
        found = sorted((name for name, box in self.patch.boxes.items() if box.kind == kind), key=self._place)
        assert [self.patch.boxes[name].attributes["index"] for name in found] == [*range(1, len(found) + 1)]
        return found

    def _out(self, name: str, outlet: int, message: Message) -> None:
        for target, inlet in self._lines.get((name, outlet), ()):
            self.receive(target, inlet, [*message])

    # What each object does with a message at an inlet.

    def _inlet(self, name: str, words: list[str], inlet: int, message: Message) -> None:
        self._out(name, 0, message)

    def _outlet(self, name: str, words: list[str], inlet: int, message: Message) -> None:
        index = self._ports["outlet"].index(name)
        self.outlets.setdefault(index, []).append(message)
        self.on_outlet(index, message)

    def _trigger(self, name: str, words: list[str], inlet: int, message: Message) -> None:
        for outlet in reversed(range(len(words))):
            self._out(name, outlet, _as(words[outlet], message))

    def _route(self, name: str, words: list[str], inlet: int, message: Message) -> None:
        if str(message[0]) in words:
            self._out(name, words.index(str(message[0])), message[1:] or BANG)
        else:
            self._out(name, len(words), message)

    def _select(self, name: str, words: list[str], inlet: int, message: Message) -> None:
        if str(message[0]) in words:
            self._out(name, words.index(str(message[0])), BANG)
        else:
            self._out(name, len(words), message)

    def _prepend(self, name: str, words: list[str], inlet: int, message: Message) -> None:
        if message[0] == "set":
            self._state[name]["words"] = message[1:]
        else:
            self._out(name, 0, [*self._state[name].get("words", map(_atom, words)), *message])

    def _sprintf(self, name: str, words: list[str], inlet: int, message: Message) -> None:
        form, first = words[1], words[0]
        text = form % message[0]
        self._out(name, 0, [text] if first == "symout" else [first, text])

    def _zl(self, name: str, words: list[str], inlet: int, message: Message) -> None:
        if words[0] == "len":
            self._out(name, 0, [len(message)])
            return
        count = int(words[1])
        if message[count:]:
            self._out(name, 1, message[count:])
        self._out(name, 0, message[:count])

    def _gate(self, name: str, words: list[str], inlet: int, message: Message) -> None:
        if inlet == 0:
            self._state[name]["open"] = int(message[0])
        elif self._state[name].get("open", 0):
            self._out(name, self._state[name]["open"] - 1, message)

    def _number(self, name: str, words: list[str], inlet: int, message: Message) -> None:
        """[int] and [float]."""
        convert = int if self.patch.boxes[name].text.startswith("int") else float
        if message != BANG:
            self._state[name]["value"] = convert(message[0])
        if inlet == 0:
            self._out(name, 0, [self._state[name].get("value", convert(words[0] if words else 0))])

    def _change(self, name: str, words: list[str], inlet: int, message: Message) -> None:
        if message[0] != self._state[name].get("value", _atom(words[0]) if words else 0):
            self._state[name]["value"] = message[0]
            self._out(name, 0, message)

    def _metro(self, name: str, words: list[str], inlet: int, message: Message) -> None:
        state = self._state[name]
        state["turn"] = state.get("turn", 0) + 1
        if message[0] == "bang" or message[0]:
            self._tick(name, float(words[0]), state["turn"])

    def _tick(self, name: str, interval: float, turn: int) -> None:
        if self._state[name]["turn"] == turn:
            self.scheduler.after(interval, lambda: self._tick(name, interval, turn))
            self._out(name, 0, BANG)

    def _delay(self, name: str, words: list[str], inlet: int, message: Message) -> None:
        state = self._state[name]
        state["turn"] = turn = state.get("turn", 0) + 1
        self.scheduler.after(float(words[0]), lambda: self._out(name, 0, BANG) if state["turn"] == turn else None)

    def _bang(self, name: str, words: list[str], inlet: int, message: Message) -> None:
        """[loadbang] and [closebang]."""
        self._out(name, 0, BANG)

    def _arithmetic(self, name: str, words: list[str], inlet: int, message: Message) -> None:
        operator, right = self.patch.boxes[name].text.split(" ")
        left, number = message[0], _atom(right)
        assert inlet == 0 and isinstance(left, int | float) and isinstance(number, int | float)
        results: dict[str, Callable[[], Atom]] = {
            "+": lambda: left + number,
            "%": lambda: left % number,
            "==": lambda: int(left == number),
            ">": lambda: int(left > number),
            "/": lambda: int(left / number) if isinstance(number, int) else left / number,
        }
        self._out(name, 0, [results[operator]()])

    def _expr(self, name: str, words: list[str], inlet: int, message: Message) -> None:
        text = re.sub(r"\$i(\d)", lambda match: str(int(message[int(match[1]) - 1])), " ".join(words))
        assert re.fullmatch(r"[\d\s+*()-]+", text)
        self._out(name, 0, [eval(text)])

    def _pack(self, name: str, words: list[str], inlet: int, message: Message) -> None:
        held = self._state[name].setdefault("held", [_atom(word) for word in words])
        if message != BANG:
            for index, value in enumerate(message, inlet):
                held[index] = type(held[index])(value)
        if inlet == 0:
            self._out(name, 0, [*held])

    def _unpack(self, name: str, words: list[str], inlet: int, message: Message) -> None:
        for outlet in reversed(range(min(len(words), len(message)))):
            self._out(name, outlet, [message[outlet]])

    def _coll(self, name: str, words: list[str], inlet: int, message: Message) -> None:
        held = self._state[name]
        if message[0] == "clear":
            held.clear()
        elif message[0] == "remove":
            held.pop(message[1], None)
        elif message[0] == "dump":
            for index, value in [*held.items()]:
                self._out(name, 1, [index])
                self._out(name, 0, value)
            self._out(name, 3, BANG)
        else:
            held[message[0]] = message[1:]

    def _message(self, name: str, words: list[str], inlet: int, message: Message) -> None:
        if message[0] == "set":
            self._state[name]["value"] = " ".join(map(str, message[1:]))
            return
        values = {f"${index}": value for index, value in enumerate(message, 1)}
        self._out(name, 0, [values.get(word, _atom(word)) for word in str(self.shown(name)).split(" ")])

    def _transport(self, name: str, words: list[str], inlet: int, message: Message) -> None:
        told: dict[int, Message] = {7: [self.song["ticks"]], 6: [self.song["on"]], 5: [*self.song["metre"]]}
        told |= {4: [self.song["tempo"]], 3: [480.0], 2: [0.0], 1: [1], 0: [1]}
        for outlet, values in told.items():
            self._out(name, outlet, values)

    def _patcherargs(self, name: str, words: list[str], inlet: int, message: Message) -> None:
        given = self.arguments or []
        self._out(name, 0, [*given, *map(_atom, words[len(given) :])])
        for attribute in self.attributes:
            self._out(name, 1, attribute)
        self._out(name, 1, ["done"])

    def _udpsend(self, name: str, words: list[str], inlet: int, message: Message) -> None:
        if message[0] in ("host", "port"):
            self._state[name][message[0]] = message[1]
        else:
            self.said.append(message)

    def _udpreceive(self, name: str, words: list[str], inlet: int, message: Message) -> None:
        assert message[0] == "port"
        self._state[name]["port"] = message[1]

    def _midiparse(self, name: str, words: list[str], inlet: int, message: Message) -> None:
        held = self._state[name].setdefault("held", [])
        held.append(int(message[0]))
        if len(held) < 3:
            return
        (status, first, second), kinds = held, {0x8: 0, 0x9: 0, 0xB: 2, 0xE: 5}
        held[:] = []
        self._out(name, 6, [status % 16 + 1])
        told: Message = [first, 0 if status >> 4 == 0x8 else second]
        self._out(name, kinds[status >> 4], [second] if status >> 4 == 0xE else told)

    def _midiformat(self, name: str, words: list[str], inlet: int, message: Message) -> None:
        state = self._state[name]
        if inlet == 6:
            state["channel"] = int(message[0])
            return
        status = {0: 0x90, 2: 0xB0, 5: 0xE0}[inlet] + state.get("channel", 1) - 1
        for byte in (status, *([0] if inlet == 5 else []), *message):
            self._out(name, 0, [byte])

    def _midiflush(self, name: str, words: list[str], inlet: int, message: Message) -> None:
        state = self._state[name]
        if message == BANG:
            for status, pitch in sorted(state.pop("sounding", ())):
                for byte in (status, pitch, 0):
                    self._out(name, 0, [byte])
            return
        state.setdefault("held", []).append(message[0])
        if len(state["held"]) == 3:
            status, pitch, velocity = state.pop("held")
            if status >> 4 == 0x9:
                keep = set.add if velocity else set.discard
                keep(state.setdefault("sounding", set()), (status, pitch))
        self._out(name, 0, message)

    def _midiout(self, name: str, words: list[str], inlet: int, message: Message) -> None:
        held = self._state[name].setdefault("held", [])
        held.append(message[0])
        if len(held) == 3:
            self.played.append([*held])
            held[:] = []

    def _live_dial(self, name: str, words: list[str], inlet: int, message: Message) -> None:
        if message[0] == "set":
            self._state[name]["value"] = message[1]
            return
        if message[0] != "outputvalue":
            self._state[name]["value"] = message[0]
        told: Any = self.patch.boxes[name].attributes["saved_attribute_attributes"]
        self._out(name, 0, [self._state[name].get("value", told["valueof"].get("parameter_mmin", 0))])

    def _live_menu(self, name: str, words: list[str], inlet: int, message: Message) -> None:
        items: list[Atom] = self.patch.boxes[name].attributes["saved_attribute_attributes"]["valueof"]["parameter_enum"]  # type: ignore[index]
        if message[0] == "setsymbol":
            self._state[name]["value"] = items[items.index(message[1])]
            return
        if message[0] != "outputvalue":
            self._state[name]["value"] = items[int(message[0])]
        chosen = self._state[name].get("value", items[0])
        for outlet, value in ((2, 0.0), (1, chosen), (0, items.index(chosen))):
            self._out(name, outlet, [value])

    def _live_comment(self, name: str, words: list[str], inlet: int, message: Message) -> None:
        assert message[0] == "set"
        self._state[name]["value"] = " ".join(map(str, message[1:]))


NAMES = {
    **dict.fromkeys(("+", "%", "/", "==", ">"), "arithmetic"),
    **dict.fromkeys(("loadbang", "closebang"), "bang"),
    **dict.fromkeys(("int", "float"), "number"),
    **dict.fromkeys(("live.dial", "live.toggle", "live.text"), "live_dial"),
    "sel": "select",
    "t": "trigger",
}


def _atom(word: str) -> Atom:
    if re.fullmatch(r"-?\d+", word):
        return int(word)
    return float(word) if re.fullmatch(r"-?\d+\.\d*", word) else word


def _as(kind: str, message: Message) -> Message:
    if kind == "b":
        return BANG
    if kind in "if":
        return [int(message[0]) if kind == "i" else float(message[0])]
    return message
