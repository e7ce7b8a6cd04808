"""JSFX read as REAPER's reference has it: sections, sliders, functions, variables and where they may be used.

Source: reaper.fm/sdk/js/ («JSFX Programming Reference»: introduction, basic code, special variables, MIDI, graphics).
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator

SECTIONS = {"init", "slider", "block", "sample", "serialize", "gfx"}
HEADERS = (
    r"desc:\S.*",
    r"tags:\S.*",
    r"(in|out)_pin:\S.*",
    r"slider([1-9]\d*):-?[\d.]+<-?[\d.]+,-?[\d.]+(,-?[\d.]+(\{[^{}]+\})?)?>\S.*",
    r"//.*",
    r"",
)

FUNCTIONS: dict[str, tuple[set[int], set[str]]] = {
    **{name: ({1}, set()) for name in ("abs", "ceil", "floor", "sqr", "sqrt")},
    **{name: ({2}, set()) for name in ("max", "min")},
    "gfx_drawstr": ({1, 4}, {"gfx"}),
    "gfx_rect": ({4, 5}, {"gfx"}),
    "gfx_set": ({1, 2, 3, 4, 5, 6}, {"gfx"}),
    "gfx_setfont": ({1, 2, 3, 4}, {"gfx"}),
    "loop": ({2}, set()),
    "memset": ({3}, set()),
    "midirecv": ({3, 4}, {"block", "sample"}),
    "midisend": ({3, 4}, {"init", "block", "sample"}),
    "sliderchange": ({1}, set()),
    "sprintf": ({2, 3, 4, 5, 6, 7, 8}, set()),
    "while": ({1}, set()),
}
"""Numbers of arguments that a function can have, and the sections that it may be used in (empty: all)."""

_TRANSPORT = ("beat_position", "play_position", "play_state", "tempo", "ts_denom", "ts_num")
VARIABLES: dict[str, set[str]] = {
    **{name: {"block", "sample"} for name in _TRANSPORT},
    **{name: {"gfx"} for name in ("gfx_h", "gfx_w", "gfx_x", "gfx_y")},
    "srate": set(),
}
"""Variables that REAPER sets, and where; empty: everywhere."""

READ_ONLY = {*_TRANSPORT, "gfx_h", "gfx_w", "srate"}

_NAME = r"[A-Za-z_]\w*"


def faults(text: str) -> list[str]:
    """What is wrong with an effect, a sentence each."""
    header, *rest = re.split(r"^@", text, flags=re.MULTILINE)
    parts = [(re.match(r"\w+", part), part) for part in rest]
    names = [match[0] if match else "?" for match, _ in parts]
    code = {name: _bare(part.partition("\n")[2]) for name, (_, part) in zip(names, parts, strict=True)}
    return [
        *_header_faults(header),
        *(f"there is no section @{name}" for name in names if name not in SECTIONS),
        *(f"@{name} is there {count} times" for name, count in Counter(names).items() if count > 1),
        *(fault for name, part in code.items() for fault in _bracket_faults(name, part)),
        *_call_faults(code),
        *_variable_faults(header, code),
    ]


def _header_faults(header: str) -> list[str]:
    lines = header.splitlines()
    wrong = [f"the header has “{line}”" for line in lines if not any(re.fullmatch(form, line) for form in HEADERS)]
    return wrong + ["it has no name"] * (not lines[0].startswith("desc:"))


def _bare(code: str) -> str:
    """Code without comments, and strings emptied."""
    return re.sub(r'"(?:[^"\\]|\\.)*"', '""', re.sub(r"//[^\n]*|/\*.*?\*/", "", code, flags=re.DOTALL))


def _bracket_faults(name: str, code: str) -> Iterator[str]:
    open_ones: list[str] = []
    for character in code:
        if character in "([":
            open_ones.append(character)
        elif character in ")]" and (not open_ones or open_ones.pop() + character not in ("()", "[]")):
            yield f"@{name} closes a bracket that is not open"
            return
    if open_ones:
        yield f"@{name} leaves a bracket open"


def _own(code: dict[str, str]) -> dict[str, int]:
    """Functions that the code defines, and how many arguments they have."""
    found = re.findall(rf"\bfunction\s+({_NAME})\s*\(([^()]*)\)", "\n".join(code.values()))
    return {name: len(re.findall(_NAME, arguments)) for name, arguments in found}


def _call_faults(code: dict[str, str]) -> Iterator[str]:
    own = _own(code)
    for section, part in code.items():
        for match in re.finditer(rf"({_NAME})\s*\(", re.sub(rf"\bfunction\s+{_NAME}\s*\(|\blocal\s*\(", "(", part)):
            name, count = match[1], _arguments(part_after(match))
            if name in own:
                if count != own[name]:
                    yield f"{name} has {own[name]} arguments, not {count}"
            elif name not in FUNCTIONS:
                yield f"there is no function {name}"
            elif count not in FUNCTIONS[name][0]:
                yield f"{name} does not have {count} arguments"
            elif FUNCTIONS[name][1] and section not in FUNCTIONS[name][1]:
                yield f"{name} is not for @{section}"


def part_after(match: re.Match[str]) -> str:
    """The text behind the bracket that a call opens."""
    return match.string[match.end() :]


def _arguments(text: str) -> int:
    """How many arguments there are up to the bracket that closes; `text` begins behind the one that opens."""
    depth, count, any_there = 1, 1, False
    for character in text:
        depth += (character in "([") - (character in ")]")
        if depth == 0:
            return count if any_there else 0
        any_there = any_there or not character.isspace()
        count += depth == 1 and character == ","
    return -1


def _variable_faults(header: str, code: dict[str, str]) -> Iterator[str]:
    sliders = {f"slider{number}" for number in re.findall(r"^slider(\d+):", header, re.MULTILINE)}
    whole = "\n".join(code.values())
    assigned = set(re.findall(rf"\b({_NAME})\s*(?:[-+*/|&]?=)(?!=)", whole))
    received = {name for call in re.findall(r"\bmidirecv\(([^()]*)\)", whole) for name in re.findall(_NAME, call)}
    lists = re.findall(rf"\b(?:function\s+{_NAME}|local)\s*\(([^()]*)\)", whole)
    known = assigned | received | sliders | {name for listed in lists for name in re.findall(_NAME, listed)}
    yield from (f"{name} is only for reading" for name in sorted(assigned & READ_ONLY))
    yield from (
        f"there is no {name}" for name in sorted(assigned) if re.fullmatch(r"slider\d+", name) and name not in sliders
    )
    for section, part in code.items():
        for name in sorted(set(re.findall(rf"(?<![#$\w])({_NAME})\b(?!\s*\()", part)) - {"function", "local"}):
            if name in VARIABLES:
                if VARIABLES[name] and section not in VARIABLES[name]:
                    yield f"{name} is not known in @{section}"
            elif name not in known:
                yield f"{name} is read and never set"
