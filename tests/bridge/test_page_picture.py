"""What the page is shown: news in the order of the music, and the last bars as they were told to who comes late."""

from __future__ import annotations

import json
from typing import Any

from recorded import FREE, Stage, tune

from bridge.controls.parameters import PARAMETERS
from bridge.controls.settings import Settings
from bridge.events import (
    ChordStarts,
    EndNote,
    MelodyHeard,
    OutMessage,
    ParameterChanged,
    PlannedChord,
    PlanShown,
    PlayNote,
    Silence,
    Start,
    Status,
    Stop,
    TransportChanged,
)
from bridge.page.picture import BARS, MOST_MESSAGES, Picture

Json = dict[str, Any]


def picture() -> Picture:
    settings = Settings()
    values = {name: settings.value(name) for name, line in PARAMETERS.items() if line.kind != "trigger"}
    return Picture(values, "abcd", "1.2.3")


def status(beats: float, bar: tuple[int, float], playing: bool = True) -> Status:
    return Status(beats, playing, 120.0, (4, 4), bar, 3, 1, 0.002, "default", "", "Follows us.", "free")


def shown(messages: list[tuple[OutMessage, float, float]]) -> tuple[Picture, list[Json]]:
    seen = picture()
    news = [told for sent in messages if (told := seen.take(*sent)) is not None]
    return seen, news


def test_hello_has_the_table_the_values_and_all_there_is() -> None:
    seen = picture()
    assert seen.say("Hears the keyboard.") == {"type": "said", "sentence": "Hears the keyboard."}
    assert seen.record("take.mid") == {"type": "recording", "file": "take.mid"}
    hello = json.loads(json.dumps(seen.hello(5.0, [{"name": "default", "description": ""}])))
    assert [line["name"] for line in hello["parameters"]] == list(PARAMETERS)
    tempo = next(line for line in hello["parameters"] if line["name"] == "tempo")
    assert (tempo["kind"], tempo["low"], tempo["high"], tempo["unit"]) == ("number", 10.0, 999.0, "bpm")
    assert (tempo["address"], tempo["option"], tempo["controller"]) == ("/gapt/tempo", "--tempo", True)
    assert set(hello["values"]) == {name for name, line in PARAMETERS.items() if line.kind != "trigger"}
    assert (hello["protocol"], hello["version"], hello["session"], hello["seconds"]) == (1, "1.2.3", "abcd", 5.0)
    assert hello["presets"] == [{"name": "default", "description": ""}]
    assert hello["said"] == ["Hears the keyboard."] and hello["recording"] == "take.mid"
    assert hello["history"] == [] and hello["status"] is None and hello["plan"]["chords"] == []
    assert hello["transport"]["rolling"] is False


def test_what_the_table_leaves_to_the_preset_is_at_first_as_the_session_began() -> None:
    seen = picture()
    seen.take(ParameterChanged(0.0, "temperature", 3.0), 0.0, 0.0)
    lines = {line["name"]: line["default"] for line in seen.hello(0.0, [])["parameters"]}
    assert (lines["temperature"], lines["mode"]) == (Settings().temperature, Settings().mode)
    assert lines["tempo"] == PARAMETERS["tempo"].default and lines["panic"] is None


def test_each_message_becomes_news_with_its_time() -> None:
    plan = (PlannedChord(8.0, 4.0, "A:min7", (45, 60), True), PlannedChord(12.0, 1.0, "N", (), False))
    _, news = shown(
        [
            (TransportChanged(0.0, True, 120.0, (4, 4), True), 10.0, 0.0),
            (MelodyHeard(0.5, 60, 100, 2), 10.25, 0.5),
            (PlayNote(1.0, 48, 70, 0), 10.5, 1.0),
            (ChordStarts(1.0, 4, "C:maj", (48,)), 10.5, 1.0),
            (PlanShown(1.0, plan), 10.5, 1.0),
            (ParameterChanged(1.0, "velocity", 90), 10.5, 1.0),
            (EndNote(2.0, 48, 0), 11.0, 2.0),
            (MelodyHeard(2.0, 60, 0, 2), 11.0, 2.0),
            (Silence(2.0, 0), 11.0, 2.0),
            (status(2.0, (1, 3.0)), 11.0, 2.0),
        ]
    )
    assert [told["type"] for told in news] == (
        ["transport", "note", "sound", "chord", "plan", "parameter", "sound", "note", "silence", "status"]
    )
    assert [told["seconds"] for told in news] == [10.0, 10.25, 10.5, 10.5, 10.5, 10.5, 11.0, 11.0, 11.0, 11.0]
    assert news[0] == {
        "type": "transport",
        "seconds": 10.0,
        "beats": 0.0,
        "rolling": True,
        "bpm": 120.0,
        "metre": (4, 4),
        "bar": (1, 1.0),
        "jump": True,
    }
    assert (news[1]["on"], news[1]["pitch"], news[1]["channel"], news[1]["beats"]) == (True, 60, 2, 0.5)
    assert (news[3]["name"], news[3]["symbol"]) == ("C:maj", "C")
    assert [(chord["symbol"], chord["duration"], chord["final"]) for chord in news[4]["chords"]] == [
        ("Am7", 4.0, True),
        ("-", 1.0, False),
    ]
    assert [(told["on"], told["velocity"]) for told in news[6:8]] == [(False, 0), (False, 0)]
    assert news[8]["beats"] == 2.0
    assert (news[9]["sync_state"], news[9]["frame_seconds"], news[9]["bar"]) == ("free", 0.125, (1, 3.0))


def test_the_players_own_notes_on_their_way_through_are_no_sounds() -> None:
    _, news = shown([(PlayNote(1.0, 60, 70, 0, True), 1.0, 1.0), (EndNote(2.0, 60, 0), 2.0, 2.0)])
    assert news == []


def test_a_place_where_the_music_stands_does_not_run_on() -> None:
    seen, news = shown(
        [
            (TransportChanged(0.0, True, 120.0, (4, 4), True), 0.0, 0.0),
            (TransportChanged(4.0, False, 120.0, (4, 4)), 2.0, 4.0),
            (Silence(20.0, 0), 10.0, 20.0),
        ]
    )
    assert news[-1]["beats"] == 4.0
    transport = seen.hello(11.0, [])["transport"]
    assert (transport["rolling"], transport["beats"], transport["seconds"]) == (False, 4.0, 2.0)


def test_a_status_corrects_the_bar_where_a_pickup_came_first() -> None:
    seen, _ = shown([(TransportChanged(0.0, True, 120.0, (4, 4), True), 0.0, 0.0), (status(0.0, (1, 4.0)), 0.0, 0.0)])
    assert seen.hello(0.0, [])["transport"]["bar"] == (1, 4.0)


def test_history_keeps_the_last_bars_whatever_the_song_did() -> None:
    """A loop of four bars, thirty times: the song's beats go round, and the last bars are all there."""
    sent: list[tuple[OutMessage, float, float]] = []
    for i in range(30 * 16):
        beat, seconds = float(i % 16), i * 0.5
        if beat == 0.0:
            sent.append((TransportChanged(0.0, True, 120.0, (4, 4), True), seconds, 0.0))
        sent.append((MelodyHeard(beat, 60 + i % 12, 100, 0), seconds, beat))
        sent.append((status(beat, (1 + i % 16 // 4, 1.0 + i % 4)), seconds, beat))
    seen, news = shown(sent)
    history = seen.hello(1e6, [])["history"]
    kept = [told for told in news if told["type"] in ("note", "transport")]
    assert history[0]["type"] == "transport"
    assert history[1:] == kept[-len(history) + 1 :]
    assert sum(told["type"] == "note" for told in history) in range(BARS * 4, BARS * 4 + 2)


def test_history_has_an_end_even_where_the_music_stands() -> None:
    begin = TransportChanged(0.0, True, 100.0, (4, 4), True)
    seen, news = shown([(begin, 0.0, 0.0), *((Silence(0.0, 0), 0.0, 0.0) for _ in range(2 * MOST_MESSAGES))])
    history = seen.hello(0.0, [])["history"]
    assert len(history) == MOST_MESSAGES + 1 and history[0] == news[0]


def test_a_real_session_is_shown_as_it_was_played() -> None:
    stage = Stage(settings=FREE)
    stage.play(Start(1000.0), *tune(1000.01, 16), Stop(1008.0))
    seen, news = shown(stage.sent)
    assert sum(told["type"] == "note" and told["on"] for told in news) == 16
    on, off = (
        [told["pitch"] for told in news if told["type"] == "sound" and told["on"] is way] for way in (True, False)
    )
    assert on and sorted(on) == sorted(off)
    # The bar is told as soon as the music starts or stops, and not half a second later.
    turns = [i for i, told in enumerate(news) if told["type"] == "transport"]
    assert [news[i]["rolling"] for i in turns] == [True, False]
    assert all(any(told["type"] == "status" for told in news[i : i + 4]) for i in turns)
    assert sum(told["type"] == "chord" and told["name"] != "N" for told in news) >= 15
    history = seen.hello(1009.0, [])["history"]
    assert history == [told for told in news if told["type"] in ("transport", "note", "sound", "silence", "chord")]
    assert history[-1]["seconds"] <= 1009.0 and history[0]["jump"] is True
    json.dumps(history, allow_nan=False)
