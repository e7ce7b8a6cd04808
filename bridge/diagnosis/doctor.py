"""All checks, in the order in which to show them."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from bridge.diagnosis import installation, machine
from bridge.diagnosis.findings import Finding, findings_of
from bridge.diagnosis.ports import OSC_PORTS, can_offer_ports, midi_ports, udp_port
from bridge.diagnosis.step_time import step_time
from bridge.ports.osc.choice import DEFAULT_IN_PORT, DEFAULT_OUT_PORT


def examine(preset: str, bpm: float) -> Iterator[Finding]:
    """Everything that can keep a session from working, as it is found; takes some ten seconds."""
    return findings_of(
        (
            ("Python", machine.python),
            ("installation", installation.packages),
            ("presets", installation.presets),
            ("settings", installation.settings),
            ("MIDI", midi),
            ("OSC", osc),
            ("cores", machine.cores),
            ("priority", machine.priority),
            ("clock", machine.clock),
            ("sleep", machine.sleep),
            ("torch", machine.torch),
            ("step", partial(step_time, preset, bpm)),
        )
    )


def midi() -> Iterator[Finding]:
    """Whether there is a MIDI back end, and ports."""
    ports = midi_ports()
    if ports.problem:
        yield Finding("MIDI", "warn", "there is none; OSC works without", ports.problem)
        return
    text = f"{ports.backend}; {len(ports.inputs)} to hear, {len(ports.outputs)} to play to (`gapt ports` names them)"
    if ports.inputs or can_offer_ports():
        yield Finding("MIDI", "ok", text)
    else:
        yield Finding(
            "MIDI", "warn", text, "plug in a keyboard, or make two ports with loopMIDI; Windows has no others."
        )


def osc() -> Iterator[Finding]:
    """Whether the UDP ports are free that we listen on, or who holds them."""
    for number, purpose in OSC_PORTS.items():
        port = udp_port(number)
        name = f"UDP {number}"
        if port.free:
            yield Finding(name, "ok", f"free; {purpose}")
            continue
        text = f"held by {port.holder or 'another program, perhaps of another user'}; {purpose}"
        if number == DEFAULT_OUT_PORT:
            yield Finding(name, "ok", text)
        elif number == DEFAULT_IN_PORT:
            advice = "if that is a jam of yours, all is well; else end it, or choose another port with --osc-in."
            yield Finding(name, "warn", text, advice)
        else:
            yield Finding(name, "warn", text, "only one program can: end it if you want to follow that host.")
