"""A preset that cannot be had is taken back, so that everybody is told what plays."""

from __future__ import annotations

from dataclasses import replace

from bridge.controls.settings import Settings
from bridge.events import InEvent, Set
from bridge.live.presets import PresetKeeper
from bridge.timing.clock import ManualClock
from plugin_host.scripted import ScriptedAccompanist


class Changing(ScriptedAccompanist):
    """Says that a swap is on its way."""

    changing = True  # type: ignore[assignment]


def keeper(accompanist: ScriptedAccompanist) -> tuple[PresetKeeper, list[InEvent], list[str]]:
    accompanist.preset, accompanist.style = "default", "folk"
    events: list[InEvent] = []
    told: list[str] = []
    settings = replace(Settings(), preset="nosuch", style="folk")
    return PresetKeeper(ManualClock(3.0), accompanist, lambda: settings, events.append, told.append), events, told


def test_what_could_not_be_had_is_told_and_taken_back() -> None:
    accompanist = ScriptedAccompanist([])
    watch, events, told = keeper(accompanist)
    accompanist.trouble = "there is no “nosuch”."
    watch.tend()
    assert events == [Set(3.0, "preset", "default"), Set(3.0, "style", "folk")]
    assert told == ["there is no “nosuch”."]


def test_while_it_is_on_its_way_or_all_is_well_nothing_is_said() -> None:
    for accompanist, trouble in ((Changing([]), "an old one."), (ScriptedAccompanist([]), None)):
        watch, events, told = keeper(accompanist)
        accompanist.trouble = trouble
        watch.tend()
        assert (events, told) == ([], [])
