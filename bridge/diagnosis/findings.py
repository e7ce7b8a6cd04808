"""What a check finds: a line that says how it is and, where it is not well, what to do."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Literal

from presets.errors import GaptError

Level = Literal["ok", "warn", "fail"]


@dataclass(frozen=True, slots=True)
class Finding:
    """`fail` is for what cannot work, `warn` for what works worse than it could; `advice` is empty for `ok`."""

    name: str
    level: Level
    text: str
    advice: str = ""


Check = Callable[[], Iterable[Finding]]


def findings_of(checks: Iterable[tuple[str, Check]]) -> Iterator[Finding]:
    """What each check of that name finds, as it finds it; a check that cannot be made is a finding, too."""
    for name, check in checks:
        try:
            yield from check()
        except (GaptError, OSError) as error:
            yield Finding(name, "fail", str(error), "see the sentence.")
