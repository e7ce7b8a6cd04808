"""Writes `page/*.png`: the page as it looks while a real demo jam plays, on a wide screen and on a telephone.

Run `python docs/make_page.py` after a change of how the page looks. It needs Chromium and the extra `test`.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

FOLDER = Path(__file__).with_name("page")
BROWSERS = ("chromium", "chromium-browser", "google-chrome")
SIZES = {"wide": (1920, 1080), "narrow": (360, 740)}
PATIENCE_MS = 60_000
OPTIONS = ("--mode", "anticipate", "--commit", "4", "--lookahead", "8", "--no-midi", "--page", "--page-port", "0")
IN_FULL_SWING = """() => {
    const now = window.gapt?.look();
    const sounding = now?.chords.some(chord => chord.end === null && chord.start < now.line - 0.4);
    const coming = now?.plan.filter(chord => chord.start > now.line) ?? [];
    return sounding && now.line > 20 && coming.length >= 3 && coming[0].final && !coming.at(-1).final
        && coming[0].start > now.line + 1.2;
}"""
"""When a picture shows all there is: a chord that sounds, one that is final and others that may change."""


def main() -> None:
    """Write the pictures, or say why not."""
    browser = next(filter(None, map(shutil.which, BROWSERS)), None)
    if browser is None:
        sys.stderr.write("The pictures of the page stay as they are: there is no Chromium on the path.\n")
        return
    FOLDER.mkdir(exist_ok=True)
    with _jam() as address:
        _photograph(browser, address)


def _photograph(browser: str, address: str) -> None:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=browser, args=["--no-sandbox"])
        pages = {name: chromium.new_page(viewport={"width": x, "height": y}) for name, (x, y) in SIZES.items()}
        for page in pages.values():
            page.goto(address)
        pages["wide"].wait_for_function(IN_FULL_SWING, timeout=PATIENCE_MS)
        for name, page in pages.items():
            page.screenshot(path=FOLDER / f"{name}.png")
        chromium.close()


@contextmanager
def _jam() -> Iterator[str]:
    """A demo jam that plays; the address of its page."""
    with tempfile.TemporaryDirectory() as folder:
        program = [sys.executable, "-c", "from bridge.cli import main; main()", "jam", "--demo", *OPTIONS]
        with subprocess.Popen(program, cwd=folder, stdout=subprocess.PIPE, text=True) as jam:
            assert jam.stdout is not None
            try:
                yield next(line for line in jam.stdout if line.startswith("The page is at ")).split()[-1]
            finally:
                jam.kill()


if __name__ == "__main__":
    main()
