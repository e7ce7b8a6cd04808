"""Names of MIDI ports: ours, the one that a player means, and the same device after it was plugged in again."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable, Sequence

from bridge.errors import BridgeError

VIRTUAL_IN = "GAPT Bridge in"
VIRTUAL_OUT = "GAPT Bridge out"
OURS = "GAPT Bridge"
"""How all of them begin."""

# ALSA ends a name in the client's number and the port's, Windows in the place in the list: both change.
_PASSING = re.compile(r" \d+$" if sys.platform == "win32" else r" \d+:\d+$")


def device_name(port: str) -> str:
    """What stays of a port's name when the device is plugged in again, for settings kept by device."""
    return _PASSING.sub("", port)


def find_port(wanted: str, names: Sequence[str], way: str) -> str:
    """The one name that is `wanted`, or else that holds it, whatever the case.

    Raises:
        BridgeError: none does, or several do; the sentence lists what there is.
    """
    others = [name for name in names if not name.startswith(OURS)]
    found = [name for name in others if name == wanted] or [n for n in others if wanted.lower() in n.lower()]
    if len(found) == 1:
        return found[0]
    listed = ", ".join(f"“{name}”" for name in (found or others)) or "none"
    problem = "fits several ports" if found else "is no port"
    raise BridgeError(f"--{way} “{wanted}” {problem}; there are: {listed}. Give more of one name.")


def find_again(before: str, names: Sequence[str]) -> str | None:
    """The name that the port `before` has now, or None where it is not there, or not the only one like it."""
    if before in names:
        return before
    alike = [name for name in names if device_name(name) == device_name(before)]
    return alike[0] if len(alike) == 1 else None


def need_virtual_ports() -> None:
    """See to it that this system lets a program offer ports.

    Raises:
        BridgeError: it does not.
    """
    if sys.platform == "win32":
        raise BridgeError(
            "Windows lets no program offer a MIDI port of its own: make two with loopMIDI "
            "(https://www.tobias-erichsen.de/software/loopmidi.html) and name them with --in and --out."
        )


def refuse_same_port(heard: Iterable[str], played: Iterable[str]) -> None:
    """See to it that chords do not come back as melody, and that no melody is heard twice.

    Raises:
        BridgeError: a port is listened to and played to, or listened to twice.
    """
    seen: set[str] = set()
    for name in heard:
        if name in seen:
            raise BridgeError(f"“{name}” is given twice with --in: once is enough.")
        seen.add(name)
    for name in played:
        if name in seen:
            raise BridgeError(
                f"“{name}” is both --in and --out, so that the chords could come back as melody: "
                "choose another, or add --same-port where that cannot happen."
            )
