"""The page in a real browser: Debian's Chromium, watched for errors, and a scripted bridge to show it without a jam."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, Page, Route, WebSocketRoute, expect, sync_playwright

from bridge.controls.parameters import PARAMETERS
from bridge.controls.settings import Settings
from bridge.page.picture import Picture

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
STATIC = Path(__file__).parents[2] / "bridge" / "page" / "static"
ORIGIN = "http://bridge.test"
TYPES = {".html": "text/html", ".js": "text/javascript", ".css": "text/css", ".svg": "image/svg+xml"}
POLICY = "default-src 'self'; connect-src 'self' ws://bridge.test"
BPM = 120.0
PATIENCE_MS = 120_000
"""After so long a busy machine is no excuse."""

Json = dict[str, Any]


@contextmanager
def chromium() -> Iterator[Browser]:
    """A headless Chromium."""
    expect.set_options(timeout=PATIENCE_MS)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        try:
            yield browser
        finally:
            browser.close()


def look(page: Page) -> Json:
    """What the page knows and shows."""
    seen: Json = page.evaluate("gapt.look()")
    return seen


def wait(page: Page, condition: str, argument: object = None) -> Any:
    """Wait until `condition` holds, JavaScript in which `g` is what the page knows and `a` the argument; its value."""
    script = f"a => {{ const g = window.gapt?.look(); return g && ({condition}); }}"
    return page.wait_for_function(script, arg=argument, timeout=PATIENCE_MS).json_value()


def work(page: Page, name: str) -> object:
    """Work the control of the parameter `name` with keys; the value that it should ask for."""
    control = page.locator(f"[data-name={name}]")
    line = PARAMETERS[name]
    slider, radios, fields = control.locator("[type=range]"), control.locator("[type=radio]"), control.locator("input")
    if line.kind == "trigger" or control.locator("button").count():
        control.locator("button").press("Enter")
        return True
    if control.locator("select").count():
        other = control.locator("option:not(:checked)").first.get_attribute("value")
        control.locator("select").select_option(other)
        return other
    if radios.count():
        other = control.locator("[type=radio]:not(:checked)").first.get_attribute("value")
        control.locator(f"[type=radio][value={other}]").check(force=True)
        return other
    if line.kind == "switch":
        fields.press("Space")
        return True
    if slider.count():
        slider.press("Home")
        slider.press("ArrowRight")
        step = float(slider.get_attribute("step"))
        return line.low + step
    other = {"metre": "3/4", "in_channels": "1,3-5"}.get(name, "7")
    fields.fill(other)
    fields.press("Enter")
    return other if line.kind == "text" else float(other)


class Watch:
    """What must not happen on a page: errors, and requests that leave its host."""

    def __init__(self, page: Page, host: str) -> None:
        self.errors: list[str] = []
        self.strangers: list[str] = []
        page.on("console", lambda said: self.errors.append(said.text) if said.type in ("error", "warning") else None)
        page.on("pageerror", lambda error: self.errors.append(str(error)))
        page.on("request", lambda request: self._requested(request.url, host))
        page.on("websocket", lambda socket: self._requested(socket.url, host))

    def _requested(self, url: str, host: str) -> None:
        if not url.startswith((f"http://{host}/", f"ws://{host}/", f"blob:http://{host}/")):
            self.strangers.append(url)


class ScriptedBridge:
    """The bridge's end of the socket, by hand: its clock stands still unless the test says what the time is."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.asked: list[Json] = []
        self.answer: Callable[[Json], None] = lambda message: None
        self.seconds = 0.0
        self.hello = hello()
        self.files: dict[str, bytes] = {}
        self.there = self.known = True
        self.mute = False
        self._code = 1012
        self._socket: WebSocketRoute | None = None
        page.route("**/*", self._serve)
        page.route_web_socket("**/ws", self._open)

    def show(self) -> None:
        """Open the page, which is greeted at once."""
        self.page.goto(ORIGIN + "/")
        wait(self.page, "g.link === 'open'")

    def send(self, **message: object) -> None:
        """A message to the page."""
        assert self._socket is not None
        self._socket.send(json.dumps(message))

    def hang_up(self, code: int = 1012) -> None:
        """Close the socket, and those to come while the bridge is not `there`, for this reason."""
        assert self._socket is not None
        self._code = code
        self._socket.close(code=code)

    def _serve(self, route: Route) -> None:
        path = route.request.url.removeprefix(ORIGIN).partition("?")[0]
        file = STATIC / ("index.html" if path == "/" else path.removeprefix("/static/"))
        if not self.known:
            route.fulfill(status=403)
        elif path in self.files:
            route.fulfill(body=self.files[path], headers={"Content-Type": "audio/midi"})
        elif file.is_file():
            headers = {"Content-Type": TYPES[file.suffix], "Content-Security-Policy": POLICY}
            route.fulfill(body=file.read_bytes(), headers=headers)
        else:
            route.fulfill(status=404)

    def _open(self, socket: WebSocketRoute) -> None:
        if not self.there:
            socket.close(code=self._code)
            return
        self._socket = socket
        socket.on_message(self._take)
        self.send(type="hello", **self.hello, seconds=self.seconds)

    def _take(self, text: str | bytes) -> None:
        message = json.loads(text)
        if self.mute:
            return
        if message["type"] == "ping":
            self.send(type="pong", client=message["client"], seconds=self.seconds)
        else:
            self.asked.append(message)
            self.answer(message)


def hello(**fields: object) -> Json:
    """What a bridge greets with that stands still; `fields` in place of what is usual."""
    settings = Settings()
    values = {name: settings.value(name) for name, line in PARAMETERS.items() if line.kind != "trigger"}
    return {
        "protocol": 1,
        "parameters": Picture(values, "1", "0.1.0").hello(0.0, [])["parameters"],
        "values": values,
        "presets": [{"name": "default", "description": "Ours."}, {"name": "folk", "description": "Another."}],
        "transport": transport(rolling=False),
        "status": None,
        "plan": {"beats": 0.0, "chords": []},
        "history": [],
        "said": [],
        "recording": None,
        "version": "0.1.0",
        "session": "1",
        **fields,
    }


def transport(beats: float = 0.0, seconds: float = 0.0, rolling: bool = True, **fields: object) -> Json:
    """Where the music stands."""
    bar = [int(beats // 4) + 1, 1.0 + beats % 4]
    common = {"beats": beats, "seconds": seconds, "rolling": rolling, "bpm": BPM, "metre": [4, 4], "bar": bar}
    return {"type": "transport", **common, "jump": False, **fields}
