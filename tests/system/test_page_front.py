"""The page in a real Chromium, with the bridge's end of the socket by hand: every message, and every control."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import pytest

pytest.importorskip("playwright.sync_api", reason="playwright not installed (the extra `test`)")

from page_contrast import UNREADABLE
from page_front import CHROMIUM, ORIGIN, ScriptedBridge, Watch, chromium, hello, look, transport, wait, work
from playwright.sync_api import Browser, Page, expect

from bridge.controls.parameters import PARAMETERS

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="chromium not installed (Debian: chromium)")

STANDSTILL = 1e-6
"""A tempo at which the music rolls and yet stands, so that a picture can be looked at."""

LONGEST = "Dbm7b5"

PATIENCE_FRAMES = 1000


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as browser:
        yield browser


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    page = browser.new_page(viewport={"width": 1280, "height": 800})
    watch = Watch(page, "bridge.test")
    yield page
    page.close()
    assert not watch.errors
    assert not watch.strangers


@pytest.fixture
def bridge(page: Page) -> ScriptedBridge:
    return ScriptedBridge(page)


def chord(beats: float, symbol: str, *pitches: int, **fields: object) -> dict[str, Any]:
    return {"beats": beats, "name": f"{symbol}:x", "symbol": symbol, "pitches": pitches, **fields}


def scene(beats: float = 9.0) -> dict[str, Any]:
    """A bridge in the midst of bar 3: a chord sounds, one is final, one may change; the music stands."""
    history: list[dict[str, Any]] = [transport(0.0, 0.0, bpm=STANDSTILL, jump=True)]
    for beat in range(9):
        history.append({"type": "note", "on": True, "beats": beat, "pitch": 72 + beat, "velocity": 90})
        history.append({"type": "note", "on": False, "beats": beat + 0.9, "pitch": 72 + beat, "velocity": 0})
    for beat, symbol in ((0, "C"), (4, "F"), (8, LONGEST)):
        history.append({"type": "chord", **chord(beat, symbol, 60, 64, 67)})
    history += [{"type": "sound", "on": True, "beats": 8.0, "pitch": pitch, "velocity": 64} for pitch in (60, 64, 67)]
    final, open_ = (
        chord(10, "G7", 59, 62, 65, duration=1, final=True),
        chord(11, "Am", 57, 60, 64, duration=2, final=False),
    )
    now = transport(beats, 1.0, bpm=STANDSTILL)
    return hello(history=history, transport=now, plan={"beats": beats, "chords": [final, open_]}, status=status(beats))


def status(beats: float, **fields: object) -> dict[str, Any]:
    common = {"due_beats": beats, "beats": beats, "seconds": 1.0, "playing": True, "bpm": STANDSTILL, "metre": [4, 4]}
    fares = {"bar": [3, 1.0 + beats % 4], "chords": 3, "late": 0, "step_seconds": 0.006, "preset": "default"}
    words = {"worker": "", "sync": "REAPER rules: 120.0 bpm.", "sync_state": "locked", "frame_seconds": 0.125}
    return {"type": "status", **common, **fares, **words, **fields}


# --- the picture


def test_chords_are_named_now_and_to_come_with_their_countdown(page: Page, bridge: ScriptedBridge) -> None:
    bridge.hello = scene()
    bridge.show()
    expect(page.locator("#chord-now")).to_have_text("D♭m7♭5")
    items = page.locator("#chords-next li:visible")
    expect(items).to_have_text(["G7in 1 beat", "Amin 2 beats"])
    expect(items.nth(0)).to_have_class("final")
    expect(items.nth(1)).to_have_class("planned")
    expect(page.locator("#place")).to_have_text("3.2")
    expect(page.locator("#lamps span").nth(1)).to_have_class("lit")
    large = page.evaluate("parseFloat(getComputedStyle(document.getElementById('chord-now')).fontSize)")
    assert large >= 64


def test_the_now_line_stands_at_a_third_and_the_future_right_of_it(page: Page, bridge: ScriptedBridge) -> None:
    bridge.hello = scene()
    bridge.show()
    wait(page, "g.view.width > 0")
    view = look(page)["view"]
    assert view["now"] == pytest.approx(view["width"] / 3, abs=1)
    edge = page.locator(".next").bounding_box()
    assert edge and edge["x"] == pytest.approx(view["now"] + page.locator("#roll").bounding_box()["x"], abs=2)  # type: ignore[index]


def test_the_canvas_shows_what_is_final_solid_and_the_rest_pale(page: Page, bridge: ScriptedBridge) -> None:
    bridge.hello = scene()
    bridge.show()
    wait(page, "g.frames > 2")
    now, final, planned, past = (lane_colour(page, beats) for beats in (9.9, 10.9, 12.9, 7.9))
    assert now == final
    assert len({final, planned, past}) == 3
    assert sum(final) > 2 * sum(planned)


def lane_colour(page: Page, beats: float) -> tuple[int, ...]:
    """The colour of the chords' lane at `beats`, near its lower edge."""
    script = """beats => {
        const { view } = gapt.look();
        const canvas = document.getElementById("roll");
        const ratio = canvas.width / view.width;
        const x = (beats - view.left) * (view.width / view.beats);
        const copy = Object.assign(document.createElement("canvas"), { width: 1, height: 1 });
        const pen = copy.getContext("2d", { willReadFrequently: true });
        pen.drawImage(canvas, x * ratio, 76 * ratio, 1, 1, 0, 0, 1, 1);
        return [...pen.getImageData(0, 0, 1, 1).data].slice(0, 3);
    }"""
    return tuple(page.evaluate(script, beats))


def test_however_many_notes_there_are_the_page_has_no_more_elements(page: Page, bridge: ScriptedBridge) -> None:
    bridge.hello = scene()
    bridge.show()
    wait(page, "g.frames > 2")
    count = page.evaluate("document.querySelectorAll('*').length")
    for i in range(300):
        note = {"beats": 9.0, "pitch": 30 + i % 60, "velocity": 90, "seconds": 1.0}
        bridge.send(type=("note", "sound")[i % 2], on=True, **note)
    wait(page, "g.notes.length + g.sounds.length > 200")
    page.evaluate("new Promise(requestAnimationFrame)")
    assert page.evaluate("document.querySelectorAll('*').length") == count


def test_how_it_fares_is_shown(page: Page, bridge: ScriptedBridge) -> None:
    bridge.hello = scene()
    bridge.show()
    expect(page.locator("#step")).to_have_text("6.0 of 125 ms")
    expect(page.locator("#sync")).to_have_text("REAPER rules: 120.0 bpm.")
    expect(page.locator("#sync-state")).to_have_text("locked")
    expect(page.locator("#worker")).to_have_text("well")
    bridge.send(**status(9.0, late=3, step_seconds=0.2, worker="The policy is started anew.", sync_state="lost"))
    expect(page.locator("#late")).to_have_text("3")
    expect(page.locator("#worker")).to_have_text("The policy is started anew.")
    expect(page.locator("#meter")).to_have_attribute("data-is", "bad")
    expect(page.locator("#sync-state")).to_have_text("lost")


def test_a_jump_goes_on_where_the_music_was(page: Page, bridge: ScriptedBridge) -> None:
    bridge.hello = scene()
    bridge.show()
    bridge.send(**transport(0.0, 1.0, bpm=STANDSTILL, jump=True))
    wait(page, "g.stretches.length === 2")
    seen = look(page)
    assert seen["line"] == pytest.approx(9.0, abs=0.01)
    assert seen["beats"] == pytest.approx(0.0, abs=0.01)
    assert seen["bar"] == [1, pytest.approx(1.0, abs=0.01)]
    assert not seen["plan"]
    assert [sound["end"] for sound in seen["sounds"]] == [pytest.approx(9.0, abs=0.01)] * 3


def test_a_new_metre_counts_bars_on(page: Page, bridge: ScriptedBridge) -> None:
    bridge.show()
    bridge.send(**transport(0.0, 0.0, bpm=STANDSTILL, jump=True))
    bridge.send(**transport(9.0, 0.0, bpm=STANDSTILL, metre=[6, 8], bar=[3, 1.0 + 1.0 / 1.5]))
    # The bar is that of the picture, which is drawn a moment after the news.
    wait(page, "g.metre[0] === 6 && g.line > 8.9")
    assert look(page)["bar"] == [3, pytest.approx(1.0 + 1.0 / 1.5, abs=0.01)]
    expect(page.locator("#lamps span")).to_have_count(2)
    expect(page.locator("#metre")).to_have_text("6/8")


def test_silence_ends_what_sounds_and_stop_ends_all(page: Page, bridge: ScriptedBridge) -> None:
    bridge.hello = scene()
    bridge.show()
    bridge.send(type="silence", beats=9.0, seconds=1.0)
    wait(page, "g.sounds.every(sound => sound.end !== null)")
    expect(page.locator("#chord-pitches")).to_have_text("no chord")
    bridge.send(**transport(9.0, 1.0, rolling=False))
    wait(page, "!g.rolling && g.plan.length === 0")
    expect(page.locator("#going")).to_have_text("waiting")


def test_without_wish_for_motion_the_roll_turns_pages(browser: Browser) -> None:
    context = browser.new_context(reduced_motion="reduce")
    page = context.new_page()
    bridge = ScriptedBridge(page)
    bridge.hello = hello(transport=transport(0.0, 0.0, jump=True))
    bridge.show()
    wait(page, "g.view.still && g.beats > 0.5")
    before = look(page)
    wait(page, "g.beats > a + 0.5", before["beats"])
    assert look(page)["view"]["left"] == before["view"]["left"]
    context.close()


def test_the_playhead_never_steps_back_for_a_trifle_and_leaps_with_the_music(
    page: Page, bridge: ScriptedBridge
) -> None:
    bridge.show()
    script = """async () => {
        const { Playhead } = await import("/static/clock.js");
        const head = new Playhead();
        const places = [head.advance(4, 2, 0.016)];
        for (let i = 1; i <= 50; i++) places.push(head.advance(4 + 2 * 0.016 * i - (i > 10 ? 0.1 : 0), 2, 0.016));
        return { places, leapt: head.advance(40, 2, 0.016) };
    }"""
    seen = page.evaluate(script)
    places = seen["places"]
    assert all(after >= before for before, after in pairwise(places))
    assert places[-1] == pytest.approx(4 + 2 * 0.016 * 50 - 0.1, abs=0.02)
    assert seen["leapt"] == 40


def test_of_pings_the_quickest_is_believed(page: Page, bridge: ScriptedBridge) -> None:
    bridge.show()
    script = """async () => {
        const { Clock } = await import("/static/clock.js");
        let now = 10;
        const clock = new Clock(() => now);
        clock.guess(99);
        clock.pong(9, 109.9); // on its way for a second
        now = 20;
        clock.pong(19.98, 119.99); // for a fiftieth
        now = 30;
        clock.pong(28, 129.5);
        return clock.seconds();
    }"""
    assert page.evaluate(script) == pytest.approx(130.0)


def test_after_a_sleep_that_this_clock_did_not_count_the_first_ping_is_believed(
    page: Page, bridge: ScriptedBridge
) -> None:
    bridge.show()
    script = """async () => {
        const { Clock } = await import("/static/clock.js");
        let now = 10;
        const clock = new Clock(() => now);
        clock.pong(9.99, 109.995);
        now = 12; // and half a minute in which nothing was counted
        clock.pong(11.9, 141.95);
        return clock.seconds();
    }"""
    assert page.evaluate(script) == pytest.approx(142.0)


@pytest.mark.parametrize(("beats", "word"), [(1.0000005, "1 beat"), (0.4, "½ beat"), (1.1, "2 beats")])
def test_a_countdown_is_said_as_people_say_it(page: Page, bridge: ScriptedBridge, beats: float, word: str) -> None:
    bridge.hello = scene(9.0)
    bridge.hello["plan"]["chords"] = [chord(9.0 + beats, "G", 55, duration=1, final=True)]
    bridge.show()
    expect(page.locator("#chords-next .in").first).to_have_text(f"in {word}")


# --- controls


def test_every_parameter_has_a_control_that_sets_it(page: Page, bridge: ScriptedBridge) -> None:
    bridge.show()
    page.evaluate("document.getElementById('more').open = true")
    for name in PARAMETERS.keys() - {"stop"}:
        expected = work(page, name)
        wait_asked(page, bridge, name, expected)
        assert PARAMETERS[name].checked(expected) == expected


def wait_asked(page: Page, bridge: ScriptedBridge, name: str, value: object = True) -> None:
    """Wait until the page has asked for `name` to be `value`."""
    for _ in range(PATIENCE_FRAMES):
        if {"type": "set", "name": name, "value": value} in bridge.asked:
            return
        page.evaluate("new Promise(requestAnimationFrame)")
    raise AssertionError(f"not asked for: {name} = {value}; but for {bridge.asked}")


def test_an_echo_moves_the_control_but_not_out_of_the_hand(page: Page, bridge: ScriptedBridge) -> None:
    bridge.show()
    slider = page.locator("[data-name=temperature] [type=range]")
    bridge.send(type="parameter", name="temperature", value=2.5)
    expect(slider).to_have_value("2.5")
    expect(page.locator("[data-name=temperature] [type=number]")).to_have_value("2.5")
    box = slider.bounding_box()
    assert box
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    page.mouse.down()
    held = slider.input_value()
    bridge.send(type="parameter", name="temperature", value=0.5)
    wait(page, "g.values.temperature === 0.5")
    assert slider.input_value() == held
    page.mouse.up()
    bridge.send(type="parameter", name="temperature", value=0.25)
    expect(slider).to_have_value("0.25")


def test_a_slider_held_still_shows_what_others_set_once_it_is_let_go(page: Page, bridge: ScriptedBridge) -> None:
    bridge.show()
    slider = page.locator("[data-name=density] [type=range]")
    box = slider.bounding_box()
    assert box
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    page.mouse.down()
    bridge.send(type="parameter", name="density", value=5.0)
    wait(page, "g.values.density === 5")
    page.mouse.up()
    expect(slider).to_have_value("5")
    assert not bridge.asked


@pytest.mark.parametrize(("name", "usual"), [("temperature", 1.0), ("density", 0.0), ("commit", 0.25)])
def test_delete_sets_a_slider_as_it_was_at_first(page: Page, bridge: ScriptedBridge, name: str, usual: float) -> None:
    bridge.show()
    bridge.send(type="parameter", name=name, value=2.0)
    slider = page.locator(f"[data-name={name}] [type=range]")
    expect(slider).to_have_value("2")
    slider.press("Delete")
    wait_asked(page, bridge, name, usual)


def test_an_echo_does_not_disturb_who_types(page: Page, bridge: ScriptedBridge) -> None:
    bridge.show()
    page.evaluate("document.getElementById('more').open = true")
    field = page.locator("[data-name=metre] input")
    field.fill("7/")
    bridge.send(type="parameter", name="metre", value="5/4")
    wait(page, "g.values.metre === '5/4'")
    expect(field).to_have_value("7/")
    field.press("Escape")
    expect(field).to_have_value("5/4")
    assert not bridge.asked


def test_a_refusal_is_said_beside_the_control_which_goes_back(page: Page, bridge: ScriptedBridge) -> None:
    bridge.show()
    sentence = "commit cannot be 99.0: it is 0 to 8 beats."
    bridge.answer = lambda asked: bridge.send(type="refused", name=asked["name"], sentence=sentence)
    field = page.locator("[data-name=commit] [type=number]")
    field.fill("99")
    field.press("Enter")
    expect(page.locator("[data-name=commit] .refusal")).to_have_text(sentence)
    expect(field).to_have_value("0.25")
    expect(page.locator("[data-name=commit] [type=range]")).to_have_value("0.25")


def test_keys_do_what_they_say(page: Page, bridge: ScriptedBridge) -> None:
    bridge.show()
    page.keyboard.press("Control+b")
    keys = {" ": "start", "Escape": "panic", "b": "bypass", "h": "hold", "r": "recording"}
    for key, name in keys.items():
        page.keyboard.press(key)
        wait_asked(page, bridge, name)
    assert [asked["name"] for asked in bridge.asked] == [*keys.values()]


def test_space_stops_what_rolls_even_after_a_click(page: Page, bridge: ScriptedBridge) -> None:
    bridge.hello = scene()
    bridge.show()
    page.locator("[data-name=hold] button").click()
    page.keyboard.press(" ")
    wait_asked(page, bridge, "stop")
    assert [asked["name"] for asked in bridge.asked] == ["hold", "stop"]


def test_space_is_of_the_music_even_on_a_link(page: Page, bridge: ScriptedBridge) -> None:
    bridge.hello = scene()
    bridge.files["/bars.mid"] = b"MThd bars"
    bridge.show()
    link = page.locator("#bars")
    link.press(" ")
    wait_asked(page, bridge, "stop")
    with page.expect_download():
        link.click()
    assert page.evaluate("document.activeElement === document.body")


def test_keys_do_nothing_while_one_types(page: Page, bridge: ScriptedBridge) -> None:
    bridge.show()
    page.evaluate("document.getElementById('more').open = true")
    field = page.locator("[data-name=metre] input")
    field.fill("")
    field.press_sequentially("b h r?")
    field.press("Escape")
    page.locator("[data-name=key] select").press("b")
    page.keyboard.press("h")
    assert not [asked for asked in bridge.asked if asked["name"] in ("bypass", "hold", "recording", "panic", "start")]
    assert not page.locator("dialog").evaluate("dialog => dialog.open")


def test_the_question_mark_shows_the_keys(page: Page, bridge: ScriptedBridge) -> None:
    bridge.show()
    page.keyboard.press("?")
    expect(page.get_by_role("dialog")).to_contain_text("Space")
    page.keyboard.press("Escape")
    expect(page.locator("dialog")).to_be_hidden()
    assert not bridge.asked


def test_every_control_is_named_and_explained_and_shows_where_the_focus_is(page: Page, bridge: ScriptedBridge) -> None:
    bridge.show()
    page.evaluate("document.getElementById('more').open = true")
    page.locator("body").press("Tab")
    reached, bare, unseen = set(), [], []
    for _ in range(200):
        seen = page.evaluate(FOCUSED)
        if seen is None:
            break
        reached.add(seen["control"])
        if not seen["name"] or (seen["control"] and not seen["help"]):
            bare.append(seen)
        if not seen["outlined"]:
            unseen.append(seen)
        page.keyboard.press("Tab")
    assert not bare
    assert not unseen
    assert reached >= set(PARAMETERS) - {"stop"}


FOCUSED = """() => {
    const element = document.activeElement;
    if (!element || element === document.body) return null;
    const told = (element.getAttribute("aria-describedby") ?? "").split(" ");
    const texts = told.map(id => document.getElementById(id)?.textContent ?? "");
    const label = [...(element.labels ?? [])].map(each => each.textContent).join(" ");
    const shown = element.matches(".chip input") ? element.nextElementSibling : element;
    return {
        control: element.closest("[data-name]")?.dataset.name ?? "",
        name: (element.getAttribute("aria-label") || label || element.textContent).trim(),
        help: texts.join("").trim(),
        outlined: getComputedStyle(shown).outlineStyle !== "none",
    };
}"""


# --- the way to the bridge


def test_a_lost_connection_is_said_over_the_roll_and_healed(page: Page, bridge: ScriptedBridge) -> None:
    bridge.hello = scene()
    bridge.show()
    bridge.there = False
    bridge.hang_up()
    expect(page.locator("#veil-title")).to_have_text("The connection is lost")
    expect(page.locator("#veil-text")).to_contain_text("Trying again")
    assert page.locator("#desk").evaluate("desk => desk.inert")
    bridge.there = True
    wait(page, "g.link === 'open' && g.hellos === 2")
    expect(page.locator("#veil")).to_be_hidden()
    assert not page.locator("#desk").evaluate("desk => desk.inert")
    assert len(look(page)["notes"]) == 9


def test_a_device_that_is_not_known_any_more_is_told_what_to_do(browser: Browser) -> None:
    page = browser.new_page()
    bridge = ScriptedBridge(page)
    bridge.show()
    bridge.there = bridge.known = False
    bridge.hang_up()
    expect(page.locator("#veil-title")).to_have_text("This device is not known here")
    expect(page.locator("#veil-text")).to_contain_text("newest address")
    page.close()


def test_whoever_is_barred_is_told_so_all_the_time_even_after_the_end(browser: Browser) -> None:
    page = browser.new_page()
    bridge = ScriptedBridge(page)
    bridge.show()
    bridge.send(type="ended")
    expect(page.locator("#veil-title")).to_have_text("The session has ended")
    bridge.there = bridge.known = False
    bridge.hang_up()
    expect(page.locator("#veil-title")).to_have_text("This device is not known here")
    page.evaluate(TITLES)
    for _ in range(2):
        page.evaluate("document.getElementById('again').click()")
        with page.expect_response(ORIGIN + "/"):
            pass
    assert page.evaluate("window.titles") == []
    bridge.known = True
    bridge.there = True
    wait(page, "g.hellos === 2")
    expect(page.locator("#veil")).to_be_hidden()
    page.close()


TITLES = """() => {
    window.titles = [];
    const title = document.getElementById("veil-title");
    new MutationObserver(() => window.titles.push(title.textContent)).observe(title, { childList: true });
}"""


def test_too_many_pages_are_said(page: Page, bridge: ScriptedBridge) -> None:
    bridge.show()
    bridge.there = False
    bridge.hang_up(1013)
    expect(page.locator("#veil-title")).to_have_text("There are too many pages")


def test_a_bridge_that_falls_silent_without_a_word_is_missed(page: Page, bridge: ScriptedBridge) -> None:
    page.clock.install()
    bridge.show()
    bridge.mute = True
    page.clock.run_for(5_000)
    assert look(page)["link"] == "open"
    page.clock.run_for(4_000)
    bridge.mute = False
    page.clock.run_for(2_000)
    assert look(page)["hellos"] == 2


def test_the_end_is_said_and_the_session_kept(page: Page, bridge: ScriptedBridge) -> None:
    bridge.hello = scene()
    bridge.files["/session.mid"] = b"MThd and all the rest"
    bridge.show()
    bridge.send(type="ended")
    expect(page.locator("#veil-title")).to_have_text("The session has ended")
    bridge.there = False
    bridge.hang_up()
    with page.expect_download() as download:
        page.locator("#session-file").click()
    assert download.value.suggested_filename.endswith(".mid")
    assert download.value.path().read_bytes() == b"MThd and all the rest"
    bridge.there = True
    wait(page, "g.hellos === 2")
    expect(page.locator("#veil")).to_be_hidden()
    # Whoever has started the bridge again has not lost what was played before.
    page.evaluate("document.getElementById('more').open = true")
    with page.expect_download() as download:
        page.locator("#session-before").click()
    assert download.value.path().read_bytes() == b"MThd and all the rest"


# --- the last bars


def test_the_last_bars_stand_still_until_one_goes_back(page: Page, bridge: ScriptedBridge) -> None:
    bridge.hello = hello(transport=transport(70.0, 0.0, jump=True))
    bridge.show()
    wait(page, "g.view.width > 0 && g.beats > 70")
    rolling = look(page)["view"]["left"]
    page.keyboard.press("l")
    # The next picture shows them: until it is drawn, the left end is that of the rolling one.
    wait(page, "!g.view.follows && g.view.left < a - 16", rolling)
    before = look(page)["view"]
    assert before["beats"] > 64
    wait(page, "g.beats > a + 0.25", look(page)["beats"])
    assert look(page)["view"]["left"] == before["left"]
    page.locator("#roll").press("ArrowLeft")
    wait(page, "g.view.left < a", before["left"] - 0.9)
    page.locator("#follow").click()
    wait(page, "g.view.follows && g.view.beats < 20")


def test_a_hand_drags_the_roll_back(page: Page, bridge: ScriptedBridge) -> None:
    bridge.hello = scene()
    bridge.show()
    wait(page, "g.view.width > 0")
    before = look(page)["view"]
    box = page.locator("#roll").bounding_box()
    assert box
    page.mouse.move(box["x"] + 300, box["y"] + 150)
    page.mouse.down()
    page.mouse.move(box["x"] + 500, box["y"] + 150, steps=4)
    page.mouse.up()
    wait(page, "!g.view.follows && g.view.left < a - 1.5", before["left"])
    page.locator("#roll").press("End")
    wait(page, "g.view.follows")


def test_the_last_bars_can_be_dragged_out_or_downloaded_once_there_are_some(page: Page, bridge: ScriptedBridge) -> None:
    bridge.files["/bars.mid"] = b"MThd bars"
    bridge.show()
    link = page.locator("#bars")
    expect(link).to_have_attribute("aria-disabled", "true")
    bridge.send(type="note", on=True, beats=0.0, pitch=60, velocity=90)
    expect(link).to_have_attribute("aria-disabled", "false")
    dragged = """link => {
        const dataTransfer = new DataTransfer();
        link.dispatchEvent(new DragEvent("dragstart", { dataTransfer, bubbles: true, cancelable: true }));
        return dataTransfer.getData("DownloadURL");
    }"""
    assert link.evaluate(dragged) == "audio/midi:gapt-last-16-bars.mid:http://bridge.test/bars.mid?bars=16"
    with page.expect_download() as download:
        link.click()
    assert download.value.suggested_filename == "gapt-last-16-bars.mid"


def test_the_last_16_bars_stay_in_sight_where_they_are_dragged_from(page: Page, bridge: ScriptedBridge) -> None:
    history = [transport(0.0, 0.0, bpm=STANDSTILL, jump=True)]
    for bar in (bar for bar in range(20) if bar != 10):
        history.append({"type": "note", "on": True, "beats": 4.0 * bar + 1, "pitch": 60 + bar % 7, "velocity": 90})
        history.append({"type": "note", "on": False, "beats": 4.0 * bar + 2, "pitch": 60 + bar % 7, "velocity": 0})
    history += [{"type": "sound", "on": on, "beats": 4.0 * bar, "pitch": 50, "velocity": 64} for on, bar in COARSE]
    bridge.hello = hello(history=history, transport=transport(78.0, 1.0, bpm=STANDSTILL))
    bridge.show()
    wait(page, "g.frames > 2")
    assert [bar for bar, (melody, _) in enumerate(bars_seen(page)) if melody] == [i for i in range(16) if i != 6]
    assert [bar for bar, (_, chord) in enumerate(bars_seen(page)) if chord] == [0, 1]
    bridge.send(**transport(82.0, 1.0, bpm=STANDSTILL))
    wait(page, "g.beats > 81")
    page.evaluate("new Promise(requestAnimationFrame)")
    assert [bar for bar, (melody, _) in enumerate(bars_seen(page)) if melody] == [i for i in range(15) if i != 5]


COARSE = ((True, 4), (False, 6))
"""The chord's note begins with bar 4 and ends with bar 6, both counted from 0."""


def bars_seen(page: Page) -> list[tuple[bool, bool]]:
    """Whether the melody, and a chord, is seen in the middle of the second beat of each of the 16 bars."""
    script = """() => {
        const canvas = document.getElementById("past");
        const copy = Object.assign(document.createElement("canvas"), { width: canvas.width, height: canvas.height });
        const pen = copy.getContext("2d", { willReadFrequently: true });
        pen.drawImage(canvas, 0, 0);
        return Array.from({ length: 16 }, (_, bar) => {
            const { data } = pen.getImageData(Math.floor(((bar + 1.5 / 4) / 16) * copy.width), 0, 1, copy.height);
            const pixels = Array.from({ length: copy.height }, (_, y) => [...data.slice(4 * y, 4 * y + 3)]);
            return [pixels.some(([r, , b]) => r > 180 && b < 150), pixels.some(([r, g]) => g > 150 && r < 150)];
        });
    }"""
    return [tuple(seen) for seen in page.evaluate(script)]


# --- for all eyes


@pytest.mark.parametrize(
    ("width", "height"), [(320, 568), (360, 740), (740, 360), (768, 1024), (1280, 800), (1920, 1080)]
)
def test_it_fits_the_width_whatever_it_shows(page: Page, bridge: ScriptedBridge, width: int, height: int) -> None:
    bridge.hello = scene()
    bridge.hello["plan"]["chords"] = [chord(10 + i, "F#mMaj7", 60, 64, 67, duration=1, final=i < 2) for i in range(6)]
    bridge.hello["values"]["preset"] = "/a/very/long/folder/with-a-name-that-does-not-end-before-the-line-does"
    page.set_viewport_size({"width": width, "height": height})
    bridge.show()
    long = "The policy's process has fallen silent and is started anew; the music goes on with the last plan. " * 2
    bridge.send(**status(9.0, late=12345, worker=long, sync=long, preset="a-name-that-does-not-end" * 3))
    bridge.send(type="said", sentence=long)
    bridge.send(type="refused", name="commit", sentence=long)
    bridge.send(type="recording", file="gapt-2026-01-01-1200.mid")
    page.evaluate("document.getElementById('more').open = true; document.getElementById('explain').click()")
    expect(page.locator("#late")).to_have_text("12345")
    expect(page.locator("#said")).to_contain_text("fallen silent")
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert not page.evaluate(CUT_OFF)
    assert not page.evaluate(BROKEN)
    assert len({page.locator(part).bounding_box()["y"] // 48 for part in (".beat", ".tools")}) == 1  # type: ignore[index]


def test_nothing_is_seen_through_the_switches_of_a_telephone_while_they_rest(
    page: Page, bridge: ScriptedBridge
) -> None:
    page.set_viewport_size({"width": 360, "height": 640})
    bridge.show()
    assert page.locator("#bar").evaluate(OPAQUE) == [1, 1]
    bridge.there = False
    bridge.hang_up()
    expect(page.locator("#veil")).to_be_visible()
    bar, button = page.locator("#bar").evaluate(OPAQUE)
    assert bar == 1 and button < 1


OPAQUE = """bar => {
    const opacity = element => {
        const above = element.parentElement ? opacity(element.parentElement) : 1;
        return above * Number(getComputedStyle(element).opacity);
    };
    return [bar, bar.querySelector("button")].map(opacity);
}"""


CUT_OFF = """() => [...document.querySelectorAll(".desk *, .top button, .foot button, .foot a")]
    .filter(element => element.checkVisibility() && element.getBoundingClientRect().right > innerWidth + 1)
    .map(element => element.outerHTML.slice(0, 120))"""


BROKEN = """() => [...document.querySelectorAll(".bar button > span:not(.lamp, .sign), button.panic")]
.filter(element => {
    const text = document.createRange();
    text.selectNodeContents(element);
    return text.getBoundingClientRect().height > 1.8 * parseFloat(getComputedStyle(element).fontSize);
}).map(element => element.outerHTML.slice(0, 120))"""


def test_all_text_has_the_contrast_of_aa(page: Page, bridge: ScriptedBridge) -> None:
    bridge.hello = scene()
    bridge.hello["values"].update(bypass=True, hold=True, recording=True, thru=True)
    bridge.show()
    bridge.send(type="refused", name="commit", sentence="It cannot be that.")
    bridge.send(**status(9.0, late=3, worker="It is started anew.", sync_state="lost"))
    bridge.send(type="recording", file="take.mid")
    page.evaluate("document.getElementById('more').open = true; document.getElementById('explain').click()")
    expect(page.locator("#recorded")).to_contain_text("take.mid")
    assert page.evaluate("document.querySelectorAll('body *').length") > 200
    assert not page.evaluate(UNREADABLE)
    page.keyboard.press("?")
    assert not page.evaluate(UNREADABLE)
    page.keyboard.press("Escape")
    bridge.files["/session.mid"] = b"MThd"
    bridge.send(type="ended")
    expect(page.locator("#session-file")).to_be_visible()
    assert not page.evaluate(UNREADABLE)


def test_the_contrast_test_can_fail(page: Page, bridge: ScriptedBridge) -> None:
    bridge.show()
    page.evaluate("document.documentElement.style.setProperty('--soft', '#4a5560')")
    assert page.evaluate(UNREADABLE)


def test_the_canvas_is_painted_with_colours_that_can_be_told_apart(page: Page, bridge: ScriptedBridge) -> None:
    bridge.show()
    pairs = {
        "--roll-chord-ink": ("--roll-going", 4.5),
        "--roll-planned": ("--roll-planned-fill", 4.5),
        "--roll-ruler": ("--roll-ground", 4.5),
        "--roll-chord": ("--roll-past", 4.5),
        "--roll-melody": ("--roll-ground", 3.0),
        "--roll-now": ("--roll-ground", 4.5),
    }
    for ink, (ground, least) in pairs.items():
        assert page.evaluate(RATIO, [ink, ground]) >= least, (ink, ground)


RATIO = """([ink, ground]) => {
    const style = getComputedStyle(document.documentElement);
    const light = name => {
        const value = parseInt(style.getPropertyValue(name).trim().slice(1), 16);
        const [r, g, b] = [16, 8, 0].map(shift => ((value >> shift) & 255) / 255)
            .map(part => (part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4));
        return 0.2126 * r + 0.7152 * g + 0.0722 * b;
    };
    const [dark, bright] = [light(ink), light(ground)].sort((a, b) => a - b);
    return (bright + 0.05) / (dark + 0.05);
}"""
