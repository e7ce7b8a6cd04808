"""The scripted accompanist keeps its side of the seam, and insists on the other one's."""

from __future__ import annotations

import pytest
from rules import hold, onset

from gapt_core.vocabulary import NO_CHORD, NOTE_ONSET, SILENCE
from plugin_host.accompanist import MelodyFrame, Plan, PlanRequest, Sampling
from plugin_host.errors import HostError
from plugin_host.scripted import ScriptedAccompanist

C, G = onset(0), onset(7)
PLACE = (0, 16, 4)


def fed(script: object, frames: int) -> ScriptedAccompanist:
    accompanist = ScriptedAccompanist(script)
    for index in range(frames):
        accompanist.feed(MelodyFrame(index, SILENCE, PLACE))
    return accompanist


def ask(
    accompanist: ScriptedAccompanist, frame: int, length: int = 1, commit: int = 1, play: bool = True
) -> list[Plan]:
    plans: list[Plan] = []
    accompanist.plan(PlanRequest(frame, None, (PLACE,) * length, commit, play), plans.append)
    return plans


def test_a_list_is_played_token_by_token_and_then_held() -> None:
    accompanist = fed([C, hold(C), G], 0)
    committed, whole = ask(accompanist, 0, length=5, commit=2)
    assert whole.tokens == (C, hold(C), G, hold(G), hold(G))
    assert committed.tokens == (C, hold(C))
    assert committed.committed == whole.committed == 2
    accompanist.feed(MelodyFrame(0, SILENCE, PLACE))
    accompanist.feed(MelodyFrame(1, SILENCE, PLACE))
    assert ask(accompanist, 2)[0].tokens == (G,)


def test_frames_that_were_never_asked_for_were_held() -> None:
    accompanist = fed(lambda frame, metre, newest, before: before or C, 0)
    ask(accompanist, 0)
    for index in range(3):
        accompanist.feed(MelodyFrame(index, SILENCE, PLACE))
    assert ask(accompanist, 3)[0].tokens == (hold(C),)


def test_a_rule_hears_the_newest_note_that_is_known() -> None:
    heard: list[int] = []
    accompanist = ScriptedAccompanist(lambda frame, metre, newest, before: heard.append(newest) or NO_CHORD)
    ask(accompanist, 0)
    accompanist.feed(MelodyFrame(0, NOTE_ONSET + 60, PLACE))
    ask(accompanist, 1)
    accompanist.feed(MelodyFrame(1, SILENCE, PLACE))
    accompanist.plan(PlanRequest(2, NOTE_ONSET + 62, (PLACE,)), lambda plan: None)
    assert heard == [SILENCE, NOTE_ONSET + 60, NOTE_ONSET + 62]


def test_while_listening_there_is_no_chord() -> None:
    assert ask(fed([C], 0), 0, play=False)[0].tokens == (NO_CHORD,)


def test_silence_keeps_the_answers_back_even_over_a_reset() -> None:
    accompanist = fed([C], 0)
    accompanist.silent = True
    plans = ask(accompanist, 0)
    assert plans == []
    accompanist.reset(Sampling())
    accompanist.answer()
    assert [plan.tokens for plan in plans] == [(C,)]


@pytest.mark.parametrize(
    ("frames", "asked", "frame"), [(0, 0, 1), (3, 1, 0)], ids=["before-it-was-fed", "committed-already"]
)
def test_a_request_out_of_order_is_refused(frames: int, asked: int, frame: int) -> None:
    accompanist = fed([C], frames)
    for earlier in range(asked):
        ask(accompanist, earlier)
    with pytest.raises(HostError):
        ask(accompanist, frame)


def test_a_request_for_nothing_and_a_frame_out_of_order_are_refused() -> None:
    accompanist = fed([C], 2)
    with pytest.raises(HostError):
        ask(accompanist, 2, commit=0)
    with pytest.raises(HostError):
        ask(accompanist, 2, length=1, commit=2)
    with pytest.raises(HostError, match="frame 3"):
        accompanist.feed(MelodyFrame(3, SILENCE, PLACE))


def test_reset_begins_from_frame_0() -> None:
    accompanist = fed([C], 2)
    ask(accompanist, 2)
    accompanist.reset(Sampling())
    assert ask(accompanist, 0)[0].tokens == (C,)
    assert accompanist.resets == 1


def test_the_whole_plan_alone_is_delivered_if_wished() -> None:
    accompanist = fed([C], 0)
    accompanist.twice = False
    assert [plan.tokens for plan in ask(accompanist, 0, length=2)] == [(C, hold(C))]


def test_a_slow_answer_comes_in_two_parts_too() -> None:
    accompanist = fed([C, hold(C), G], 0)
    accompanist.silent = True
    plans = ask(accompanist, 0, length=3)
    accompanist.answer(1)
    assert [plan.tokens for plan in plans] == [(C,)]
    accompanist.answer()
    assert [plan.tokens for plan in plans] == [(C,), (C, hold(C), G)]


def test_what_is_cut_was_not_played() -> None:
    accompanist = fed([C, hold(C), G, hold(G)], 2)
    accompanist.cut(0)
    ask(accompanist, 2, length=2, commit=2)
    accompanist.cut(3)
    accompanist.feed(MelodyFrame(2, SILENCE, PLACE))
    assert [plan.tokens for plan in ask(accompanist, 3)] == [(hold(G),)]
    assert accompanist.cuts == [0, 3]
    with pytest.raises(HostError, match="no frame -1"):
        accompanist.cut(-1)


def test_what_is_asked_of_it_is_remembered() -> None:
    accompanist = fed([], 0)
    accompanist.sample(Sampling(seed=5, allowed=frozenset({1})))
    accompanist.swap("default", "folk")
    assert accompanist.sampling == Sampling(seed=5, allowed=frozenset({1}))
    assert (accompanist.preset, accompanist.style) == ("default", "folk")
