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
from bridge.live.show import Show, Write
from bridge.page.tap import PageChoice, PageTap
from bridge.timing.clock import MonotonicClock


@contextlib.contextmanager
def open_page(choice: PageChoice | None, settings: Settings, write: Write) -> Iterator[PageTap | None]:
    """The page that was chosen, taken away on the way out; `write` puts out a line as long as nothing else is shown.

    Raises:
        BridgeError: there can be no page there.
    """
    if choice is None:
        yield None
        return
    values = {name: settings.value(name) for name, line in PARAMETERS.items() if line.kind != "trigger"}
    page = PageTap(MonotonicClock(), choice, values, write, write)
    try:
        write(f"The page is at {page.url}")
        if choice.by_link_only:
            write("This computer comes in by such a link, too; --page-host 0.0.0.0 lets it in without.")
        if _opens(choice):
            threading.Thread(target=webbrowser.open, args=(page.url,), name="browser", daemon=True).start()
        yield page
    finally:
        page.end()


def beside(page: PageTap | None, show: Show) -> Show:
    """`show`, whose sentences the page shows as well."""
    if page is None:
        return show

    def say(sentence: str) -> None:
        show.say(sentence)
        page.say(sentence)

    page.tell, page.invite = show.say, None if show.hides else show.say
    return replace(show, say=say)


def _opens(choice: PageChoice) -> bool:
    if choice.opens is not None:
        return choice.opens
    if choice.by_link_only:  # which would use up the link that was just shown for another device
        return False
    screen = not sys.platform.startswith("linux") or any(map(os.environ.get, ("DISPLAY", "WAYLAND_DISPLAY")))
    return screen and sys.stdout.isatty()
