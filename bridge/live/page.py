"""Puts a page beside what people see in the terminal."""

from __future__ import annotations

import contextlib
import os
import sys
import threading
import webbrowser
from collections.abc import Iterator
from dataclasses import replace

from bridge.controls.parameters import PARAMETERS
from bridge.controls.settings import Settings
from bridge.live.show import Show
from bridge.page.tap import PageChoice, PageTap
from bridge.timing.clock import MonotonicClock


@contextlib.contextmanager
def open_shown(choice: PageChoice | None, settings: Settings, show: Show) -> Iterator[tuple[Show, PageTap | None]]:
    """`show` as it is told with a page beside it, and that page; it is taken away on the way out.

    Raises:
        BridgeError: there can be no page there.
    """
    if choice is None:
        yield show, None
        return
    values = {name: settings.value(name) for name, line in PARAMETERS.items() if line.kind != "trigger"}
    page = PageTap(MonotonicClock(), choice, values, show.say, None if show.hides else show.say)
    with contextlib.closing(_Ending(page)):
        show.say(f"The page is at {page.url}")
        if _opens(choice):
            threading.Thread(target=webbrowser.open, args=(page.url,), name="browser", daemon=True).start()

        def say(sentence: str) -> None:
            show.say(sentence)
            page.say(sentence)

        yield replace(show, say=say), page


class _Ending:
    def __init__(self, page: PageTap) -> None:
        self.close = page.end


def _opens(choice: PageChoice) -> bool:
    if choice.opens is not None:
        return choice.opens
    screen = not sys.platform.startswith("linux") or any(map(os.environ.get, ("DISPLAY", "WAYLAND_DISPLAY")))
    return screen and sys.stdout.isatty()
