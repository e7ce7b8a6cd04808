"""`gapt jam --demo --page` and its page in a real Chromium: what a player sees, and what each control does."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

pytest.importorskip("playwright.sync_api", reason="playwright not installed (the extra `test`)")

from midi_files import midi_bytes, track
from page_front import CHROMIUM, Watch, chromium, look, wait, work
from page_peer import Told, kill, open_page, open_paged_jam
from playwright.sync_api import Browser, BrowserContext, Page, expect
from signals import hear_signals

from bridge.controls.parameters import PARAMETERS
from bridge.page.gate import is_loopback, outward_address
from gapt_core.data.midi import read_midi

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="chromium not installed (Debian: chromium)")

PHRASE = (69, 71, 72, 74, 76, 74, 72, 71)
OUTWARD = outward_address("0.0.0.0")
BARS = 600
"""Longer than all tests together take."""


class Demo:
    """`gapt jam --demo --page`, and its browser."""

    def __init__(self, browser: Browser, folder: Path) -> None:
        self.folder = folder
        tune = folder / "long.mid"
        spans = [(float(beat), 0.9, PHRASE[beat % 8]) for beat in range(4 * BARS)]
        tune.write_bytes(midi_bytes(track(spans, "Melody")))
        options = ["--demo", "long.mid", "--no-midi", "--page", "--page-port", "0", "--lookahead", "4", "--commit", "2"]
        command = [
            sys.executable,
            "-c",
            "from bridge.cli import main; main()",
            "jam",
            *options,
            "--density",
            "4",
            "--mode",
            "anticipate",
        ]
        self.process = subprocess.Popen(command, cwd=folder, stdout=subprocess.PIPE, text=True, preexec_fn=hear_signals)
        assert self.process.stdout is not None
        said = next(line for line in self.process.stdout if line.startswith("The page is at "))
        self.url = said.split()[-1]
        self.context: BrowserContext = browser.new_context(viewport={"width": 1280, "height": 800})
        self.watches: list[Watch] = []

    def tab(self) -> Page:
        """Another page, once the music rolls there."""
        page = self.context.new_page()
        self.watches.append(Watch(page, self.url.split("/")[2]))
        page.goto(self.url)
        wait(page, "g.link === 'open' && g.rolling")
        return page

    def close(self) -> None:
        """End all of it."""
        self.context.close()
        if self.process.poll() is None:
            self.process.kill()
        self.process.communicate()


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as browser:
        yield browser


@pytest.fixture(scope="module")
def demo(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demo]:
    demo = Demo(browser, tmp_path_factory.mktemp("demo"))
    yield demo
    demo.close()


@pytest.fixture
def page(demo: Demo) -> Iterator[Page]:
    page = demo.tab()
    yield page
    page.close()
    for watch in demo.watches:
        assert not watch.errors
        assert not watch.strangers


def test_a_chord_is_seen_ahead_of_the_now_line_and_then_played(page: Page) -> None:
    coming = wait(page, "g.plan.find(chord => chord.final && chord.name !== 'N' && chord.start > g.line)")
    expect(page.locator("#chords-next li:visible").first).to_contain_text("in")
    wait(page, "g.chords.find(chord => chord.start === a.start && chord.name === a.name)", coming)
    wait(
        page, "g.sounds.find(sound => Math.abs(sound.start - a.start) < 0.1 && a.pitches.includes(sound.pitch))", coming
    )


def test_the_now_line_moves_by_the_clock_and_the_canvas_is_painted_anew(page: Page) -> None:
    first = page.evaluate(PICTURE)
    before = look(page)
    wait(page, "g.line > a + 1", before["line"])
    after = look(page)
    assert after["line"] - before["line"] == pytest.approx((after["seconds"] - before["seconds"]) * 2.0, abs=0.25)
    assert after["frames"] > before["frames"]
    second = page.evaluate(PICTURE)
    assert first["colours"] >= 5
    assert first["picture"] != second["picture"]


PICTURE = """() => {
    const canvas = document.getElementById("roll");
    const copy = Object.assign(document.createElement("canvas"), { width: 160, height: 90 });
    const pen = copy.getContext("2d", { willReadFrequently: true });
    pen.imageSmoothingEnabled = false;
    pen.drawImage(canvas, 0, 0, 160, 90);
    const { data } = pen.getImageData(0, 0, 160, 90);
    const colours = new Set();
    for (let i = 0; i < data.length; i += 4) colours.add((data[i] << 16) | (data[i + 1] << 8) | data[i + 2]);
    return { colours: colours.size, picture: copy.toDataURL() };
}"""


def test_bypass_plays_nothing_and_shows_what_it_would(page: Page) -> None:
    wait(page, "g.sounds.some(sound => sound.end === null)")
    page.keyboard.press("b")
    wait(page, "g.values.bypass && g.sounds.every(sound => sound.end !== null)")
    expect(page.locator("[data-name=bypass] button")).to_have_attribute("aria-pressed", "true")
    count = len(look(page)["sounds"])
    wait(page, "g.plan.some(chord => chord.start > g.line + 0.5)")
    assert len(look(page)["sounds"]) <= count
    page.keyboard.press("b")
    wait(page, "!g.values.bypass && g.sounds.some(sound => sound.end === null)")


def test_hold_keeps_the_chord(page: Page) -> None:
    wait(page, "g.chords.some(chord => chord.end === null)")
    page.keyboard.press("h")
    held = wait(page, "g.values.hold && g")
    wait(page, "g.line > a + 4", held["line"])
    assert look(page)["chords"][-1]["start"] <= held["line"] + 0.5
    page.keyboard.press("h")
    wait(page, "!g.values.hold && g.chords.at(-1).start > a + 4", held["line"])


def test_panic_silences(page: Page) -> None:
    wait(page, "g.sounds.some(sound => sound.end === null)")
    page.keyboard.press("Escape")
    wait(page, "g.sounds.length && g.sounds.every(sound => sound.end !== null)")
    wait(page, "g.sounds.some(sound => sound.end === null)")


def test_space_stops_and_goes_on(page: Page) -> None:
    page.keyboard.press(" ")
    wait(page, "!g.rolling && g.sounds.every(sound => sound.end !== null)")
    expect(page.locator("[data-name=start] button")).to_have_text("Start")
    stood = look(page)["beats"]
    page.keyboard.press(" ")
    wait(page, "g.rolling && g.beats > a + 0.5", stood)
    expect(page.locator("[data-name=start] button")).to_have_text("Stop")


def test_another_preset_plays_on(page: Page) -> None:
    page.locator("[data-name=preset] select").select_option("default-mle")
    wait(page, "g.values.preset === 'default-mle' && g.status.preset === 'default-mle' && g.rolling")
    expect(page.locator("#preset-now")).to_have_text("default-mle")
    page.locator("[data-name=preset] select").select_option("default")
    wait(page, "g.status.preset === 'default'")


def test_a_recording_is_named_and_written(demo: Demo, page: Page) -> None:
    page.keyboard.press("r")
    expect(page.locator("#recorded")).to_contain_text(".mid")
    name = page.locator("#recorded").inner_text().split()[-1]
    wait(page, "g.notes.some(note => note.end > a + 1)", look(page)["line"])
    page.keyboard.press("r")
    expect(page.locator("#recorded")).to_have_text("")
    wait(page, "g.line > a + 0.5", look(page)["line"])
    assert list(demo.folder.glob(name.removesuffix(".mid") + "*"))


def test_what_cannot_be_is_refused_in_words(page: Page) -> None:
    field = page.locator("[data-name=commit] [type=number]")
    field.fill("99")
    field.press("Enter")
    expect(page.locator("[data-name=commit] .refusal")).to_contain_text("0 to 8 beats")
    expect(field).to_have_value("2")


def test_a_reload_rejoins_with_its_roll(page: Page) -> None:
    wait(page, "g.notes.length > 4 && g.chords.length > 2 && g.sounds.length > 2")
    before = look(page)
    page.reload()
    wait(page, "g.link === 'open' && g.rolling && g.notes.length")
    after = look(page)
    for kind in ("notes", "chords", "sounds"):
        ended = {(item["start"], item.get("pitch")) for item in before[kind][-4:] if item["end"] is not None}
        assert ended <= {(item["start"], item.get("pitch")) for item in after[kind]}, kind
    assert after["session"] == before["session"]
    assert after["values"] == before["values"]


PLACE = """() => {
    const { beats, seconds, epoch, bpm } = gapt.look();
    return beats + ((epoch - seconds) * bpm) / 60;
}"""
"""Where the music was when the browsers' own time began: by each tab's clock, and by what it draws."""

PATIENCE_GLANCES = 2000


def test_two_tabs_agree(demo: Demo, page: Page) -> None:
    other = demo.tab()
    agreed = (abs(page.evaluate(PLACE) - other.evaluate(PLACE)) < 0.05 for _ in range(PATIENCE_GLANCES))
    assert any(agreed)
    last = wait(page, "g.chords.at(-1)")
    wait(other, "g.chords.find(chord => chord.start === a.start && chord.name === a.name)", last)
    other.close()


def test_the_last_bars_come_as_a_midi_file(page: Page, tmp_path: Path) -> None:
    expect(page.locator("#bars")).to_have_attribute("aria-disabled", "false")
    with page.expect_download() as download:
        page.locator("#bars").click()
    download.value.save_as(tmp_path / "bars.mid")
    assert read_midi(tmp_path / "bars.mid").songs[0].notes


def test_each_control_changes_the_engine_which_tells_every_tab(demo: Demo, page: Page) -> None:
    other = demo.tab()
    page.evaluate("document.getElementById('more').open = true")
    for name in (name for name, line in PARAMETERS.items() if line.kind != "trigger"):
        expected = work(page, name)
        for each in (page, other):
            wait(each, "g.values[a[0]] === a[1] || Math.abs(g.values[a[0]] - a[1]) < 1e-6", [name, expected])
    other.close()


def test_the_death_of_the_pages_process_is_said_and_healed(browser: Browser) -> None:
    with open_paged_jam() as jam:
        page = browser.new_page()
        page.goto(jam.page.url)
        wait(page, "g.link === 'open'")
        page.evaluate(
            """() => new MutationObserver(() => {
                window.saw = document.getElementById("veil-title").textContent;
            }).observe(document.getElementById("veil"), { subtree: true, childList: true, characterData: true })"""
        )
        kill(jam.page)
        wait(page, "g.hellos === 2 && g.link === 'open'")
        assert page.evaluate("window.saw") == "The connection is lost"
        expect(page.locator("#veil")).to_be_hidden()
        page.keyboard.press("b")
        wait(page, "g.values.bypass === true")
        page.close()


@pytest.mark.skipif(is_loopback(OUTWARD), reason="this computer has no network")
def test_a_tablet_stays_known_by_its_link_which_lets_no_other_one_in(browser: Browser) -> None:
    told = Told()
    with open_page(told, "0.0.0.0"), browser.new_context() as tablet, browser.new_context() as other:
        link = told.next().split()[-1]
        page = tablet.new_page()
        watch = Watch(page, link.split("/")[2])
        page.goto(link)
        wait(page, "g.link === 'open'")
        page.reload()
        wait(page, "g.link === 'open'")
        assert page.evaluate("document.cookie") == ""
        stranger = other.new_page()
        answer = stranger.goto(link)
        assert answer is not None and answer.status == 403
        expect(stranger.locator("body")).to_contain_text("each link is good for one device")
        page.close()
        # A browser keeps windows apart by that header only where it trusts the way, which plain HTTP is not.
        assert not [error for error in watch.errors if "Cross-Origin-Opener-Policy" not in error]
        assert not watch.strangers


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_no_other_page_in_the_browser_can_command_or_read_the_bridge(browser: Browser, host: str) -> None:
    with open_paged_jam() as jam, other_site() as port, browser.new_context() as context:
        ours = context.new_page()
        ours.goto(jam.page.url)  # so that the browser knows us, and has whatever it might send along
        wait(ours, "g.link === 'open'")
        theirs = context.new_page()
        theirs.goto(f"http://{host}:{port}/")
        before = jam.session.settings
        assert theirs.evaluate(ATTACKS, f"127.0.0.1:{jam.port}") == {
            "socket": "refused",
            "read": "refused",
            "script": "refused",
            "picture": "refused",
            "posted": "refused",
            "frame": "",
        }
        wished = work(ours, "register")
        wait(ours, "g.values.register === a", wished)
        assert jam.session.settings == before.changed("register", wished)


ATTACKS = """async bridge => {
    const loads = (tag, path) => new Promise(resolve => {
        const element = Object.assign(document.createElement(tag), { src: `http://${bridge}${path}` });
        element.onload = () => resolve("loaded");
        element.onerror = () => resolve("refused");
        document.body.append(element);
    });
    const socket = new Promise(resolve => {
        const way = new WebSocket(`ws://${bridge}/ws`);
        way.onopen = () => { way.send('{"type":"set","name":"velocity","value":1}'); resolve("open"); };
        way.onerror = () => resolve("refused");
    });
    const body = '{"type":"set","name":"panic","value":true}';
    const wish = { method: "POST", mode: "no-cors", credentials: "include", body };
    const frame = Object.assign(document.createElement("iframe"), { src: `http://${bridge}/` });
    const framed = new Promise(resolve => {
        frame.onload = () => resolve(frame.contentDocument?.body.textContent ?? "");
    });
    document.body.append(frame);
    return {
        socket: await socket,
        read: await fetch(`http://${bridge}/session.mid`).then(() => "read", () => "refused"),
        script: await loads("script", "/static/music.js"),
        picture: await loads("img", "/static/icon.svg"),
        posted: await fetch(`http://${bridge}/ws`, wish).then(answer => answer.type, () => "refused"),
        frame: await framed,
    };
}"""


@contextmanager
def other_site() -> Iterator[int]:
    """Somebody else's page on this computer; its port."""

    class Site(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "text/html")
            self.end_headers()
            self.wfile.write(b"<!doctype html><title>Another page</title><body>")

        def log_message(self, *arguments: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Site) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield server.server_port
        finally:
            server.shutdown()
            thread.join()


def test_the_end_is_said_and_the_session_offered(demo: Demo, tmp_path: Path) -> None:
    page = demo.tab()
    demo.watches.pop()  # a browser says itself that a server is gone
    demo.process.send_signal(signal.SIGINT)
    expect(page.locator("#veil-title")).to_have_text("The session has ended")
    expect(page.locator("#session-file")).to_be_visible()
    with page.expect_download() as download:
        page.locator("#session-file").click()
    download.value.save_as(tmp_path / "session.mid")
    assert len(read_midi(tmp_path / "session.mid").songs[0].notes) > 8
    page.close()
