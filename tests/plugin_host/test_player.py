"""The player against a policy that remembers its steps: one a frame, the past as it was, nothing imagined left."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scripted_policy import ScriptedPolicy
from strategies import melody_tracks

from gapt_core.chords import Chord, chord_at
from gapt_core.model import policy as net
from gapt_core.patience import FRAMES_PER_NAT, FREE_FRAMES
from gapt_core.vocabulary import (
    CHORD_HOLD,
    CHORD_ONSET,
    NO_CHORD,
    NOTE_HOLD,
    NOTE_ONSET,
    SILENCE,
    legal_tokens,
    sounding_chord,
)
from plugin_host.accompanist import MelodyFrame, Plan, PlanRequest, Sampling
from plugin_host.player import HIDDEN, Player, StepInput

MELODY = [NOTE_ONSET + 60, NOTE_HOLD + 60, NOTE_ONSET + 62, SILENCE, NOTE_ONSET + 64, NOTE_HOLD + 64] * 4


def metre(frame: int) -> tuple[int, int, int]:
    return (frame % 12, 12, 4)


@dataclass
class Duet:
    """Plays a melody to a player as the engine does; `chords` are those committed, frame by frame."""

    melody: list[int]
    react: bool = False
    lookahead: int = 1
    commit: int = 1
    policy: ScriptedPolicy = field(default_factory=ScriptedPolicy)
    sampling: Sampling = field(default_factory=lambda: Sampling(seed=3))

    def __post_init__(self) -> None:
        self.player = Player(self.policy, self.sampling)
        self.chords: list[int] = []
        self.plans: list[Plan] = []

    def ask(self, frame: int, play: bool = True) -> Plan:
        metres = tuple(metre(frame + i) for i in range(max(self.lookahead, self.commit)))
        now = self.melody[frame] if self.react else None
        plan = self.player.plan(PlanRequest(frame, now, metres, self.commit, play))
        self.chords[frame:] = plan.tokens[: plan.committed]
        self.plans.append(plan)
        return plan

    def feed(self, frame: int) -> None:
        self.player.feed(MelodyFrame(frame, self.melody[frame], metre(frame)))

    def play(self) -> list[int]:
        for frame in range(len(self.melody)):
            if frame >= len(self.chords):
                self.ask(frame)
            self.feed(frame)
        return self.chords[: len(self.melody)]

    def truth(self) -> list[StepInput]:
        """What the policy should have heard."""
        notes, chords = [SILENCE, *self.melody], [NO_CHORD, *self.chords]
        return [
            StepInput(notes[t], chords[t], now if self.react else HIDDEN, metre(t))
            for t, now in enumerate(self.melody[: len(chords)])
        ]


def is_legal(chords: list[int]) -> bool:
    return all(legal_tokens(before)[token] for before, token in pairwise([NO_CHORD, *chords]))


def test_the_hidden_token_is_the_nets() -> None:
    assert HIDDEN == net.HIDDEN


@pytest.mark.parametrize("react", [False, True])
def test_one_step_a_frame_and_the_past_as_it_was(react: bool) -> None:
    duet = Duet(MELODY, react)
    duet.play()
    assert duet.policy.past == duet.truth()
    assert duet.policy.taken == len(MELODY)


@given(
    melody=st.integers(1, 30).flatmap(melody_tracks),
    react=st.booleans(),
    lookahead=st.integers(1, 12),
    commit=st.integers(1, 12),
    temperature=st.sampled_from([0.0, 1.0]),
)
def test_nothing_imagined_is_left(
    melody: np.ndarray, react: bool, lookahead: int, commit: int, temperature: float
) -> None:
    duet = Duet(melody.tolist(), react, lookahead, commit, sampling=Sampling(temperature))
    chords = duet.play()
    assert is_legal(chords)
    truth = duet.truth()
    assert duet.policy.past == truth
    assert all(is_legal([*chords[: plan.frame], *plan.tokens]) for plan in duet.plans)
    assert all(len(plan.tokens) == max(lookahead, commit) for plan in duet.plans)


@given(st.integers(1, 24).flatmap(melody_tracks), st.booleans(), st.integers(2, 16))
def test_looking_ahead_changes_no_chord(melody: np.ndarray, react: bool, lookahead: int) -> None:
    assert Duet(melody.tolist(), react, lookahead).play() == Duet(melody.tolist(), react).play()


def test_looking_ahead_imagines_a_melody_by_the_grammar() -> None:
    duet = Duet(MELODY, react=True, lookahead=12)
    heard: list[StepInput] = []
    step = duet.policy.step

    def listen(frame: StepInput) -> tuple[np.ndarray, np.ndarray]:
        heard.append(frame)
        return step(frame)

    duet.policy.step = listen  # type: ignore[method-assign]
    plan = duet.ask(0)
    assert [frame.now for frame in heard] == [MELODY[0]] + [HIDDEN] * 11
    assert [frame.chord for frame in heard[1:]] == list(plan.tokens[:-1])
    assert [frame.metre for frame in heard] == [metre(frame) for frame in range(12)]
    melody = [frame.melody for frame in heard[1:]]
    assert melody[0] == MELODY[0]
    for before, token in pairwise(melody):
        assert token < NOTE_HOLD or before in (token, token - NOTE_HOLD + NOTE_ONSET)


def test_a_committed_chord_stands_when_it_is_planned_again() -> None:
    duet = Duet(MELODY, lookahead=6, commit=4)
    first = duet.ask(0)
    duet.feed(0)
    again = duet.player.plan(PlanRequest(1, None, tuple(metre(f) for f in range(1, 7))))
    assert again.tokens[:3] == first.tokens[1:4]
    assert duet.policy.past[1] == StepInput(MELODY[0], first.tokens[0], HIDDEN, metre(1))


def test_a_frame_asked_for_again_is_heard_as_it_was_asked_last() -> None:
    duet = Duet(MELODY, lookahead=4)
    first = duet.ask(0)
    again = duet.player.plan(PlanRequest(0, MELODY[0], (metre(0),)))
    assert again.tokens == first.tokens[:1]
    assert duet.policy.past == [StepInput(SILENCE, NO_CHORD, MELODY[0], metre(0))]


@pytest.mark.parametrize("react", [False, True])
def test_listening_hears_and_plays_nothing(react: bool) -> None:
    duet = Duet(MELODY, react)
    for frame in range(8):
        assert duet.ask(frame, play=False).tokens == (NO_CHORD,)
        duet.feed(frame)
    assert duet.policy.past == duet.truth()[:8]
    duet.ask(8)
    assert duet.policy.past == duet.truth()[:9]


def test_listening_may_be_committed_at_once() -> None:
    duet = Duet(MELODY, commit=8)
    assert duet.ask(0, play=False) == Plan(0, (NO_CHORD,) * 8, 8, pytest.approx(0, abs=1))  # type: ignore[arg-type]
    for frame in range(8):
        duet.feed(frame)
    duet.ask(8)
    assert duet.policy.past == duet.truth()[:9]


def test_frames_that_nobody_asked_for_were_held() -> None:
    duet = Duet(MELODY)
    token = duet.ask(0).tokens[0]
    sounding = sounding_chord(token)
    assert sounding is not None
    for frame in range(4):
        duet.feed(frame)
    duet.ask(4)
    assert [frame.chord for frame in duet.policy.past[1:]] == [token] + [CHORD_HOLD + sounding] * 3


def test_nothing_is_held_before_the_first_chord() -> None:
    duet = Duet(MELODY)
    for frame in range(3):
        duet.feed(frame)
    duet.ask(3)
    assert [frame.chord for frame in duet.policy.past] == [NO_CHORD] * 4


def test_reset_starts_from_nothing() -> None:
    duet = Duet(MELODY)
    first = duet.play()
    duet.player.reset(duet.sampling)
    duet.chords.clear()
    assert duet.play() == first
    assert duet.policy.past == duet.truth()


@pytest.mark.parametrize("react", [False, True])
@pytest.mark.parametrize("commit", [1, 4])
def test_a_new_player_that_is_told_the_past_plays_on_as_the_old_one(react: bool, commit: int) -> None:
    old, new = Duet(MELODY, react, 6, commit), Duet(MELODY, react, 6, commit)
    old.play()
    told = 10
    frames = [MelodyFrame(frame, MELODY[frame], metre(frame)) for frame in range(told)]
    asked = -(-told // commit) * commit
    new.chords = old.chords[:asked]
    new.player.recall(react, frames, list(enumerate(new.chords)))
    assert new.policy.past == old.truth()[:told]
    for frame in range(told, len(MELODY)):
        if frame >= len(new.chords):
            new.ask(frame)
        new.feed(frame)
    assert new.chords == old.chords


def test_a_long_past_is_heard_as_far_as_the_window_reaches() -> None:
    duet = Duet(MELODY, policy=ScriptedPolicy(window=5))
    frames = [MelodyFrame(frame, MELODY[frame - 100], metre(frame)) for frame in range(100, 120)]
    duet.player.recall(True, frames, [(114, 7), (119, 9)])
    assert [frame.now for frame in duet.policy.past] == MELODY[15:20]
    assert duet.policy.past[0] == StepInput(MELODY[14], 7, MELODY[15], metre(115))
    plan = duet.player.plan(PlanRequest(120, None, (metre(120),)))
    assert duet.policy.past[-1] == StepInput(MELODY[19], 9, HIDDEN, metre(120))
    assert plan.frame == 120


def test_a_player_told_nothing_waits_for_frame_zero() -> None:
    duet = Duet(MELODY)
    duet.player.recall(False, [], [])
    assert duet.play() == Duet(MELODY).play()


def test_missing_frames_are_a_new_beginning(caplog: pytest.LogCaptureFixture) -> None:
    duet = Duet(MELODY)
    for frame in range(3):
        duet.ask(frame)
        duet.feed(frame)
    duet.feed(7)
    sounding = sounding_chord(duet.chords[2])
    assert sounding is not None
    assert duet.policy.past == [StepInput(SILENCE, CHORD_HOLD + sounding, HIDDEN, metre(7))]
    assert "frames 3 to 6" in caplog.text


def test_asking_far_back_hears_the_past_again() -> None:
    duet = Duet(MELODY, policy=ScriptedPolicy(window=8, spare=4))
    duet.play()
    duet.player.plan(PlanRequest(18, None, (metre(18),)))
    assert duet.policy.past[1:] == duet.truth()[13:19]


def test_a_plan_is_as_long_as_the_policy_can_be_set_back() -> None:
    duet = Duet(MELODY, lookahead=40, policy=ScriptedPolicy(spare=16))
    assert len(duet.ask(0).tokens) == 16
    duet.feed(0)
    assert duet.policy.past == [StepInput(SILENCE, NO_CHORD, HIDDEN, metre(0))]


def test_memory_does_not_grow_with_the_session() -> None:
    duet = Duet(MELODY, policy=ScriptedPolicy(window=8, spare=4))
    player = duet.player
    for frame in range(200):
        player.plan(PlanRequest(frame, None, (metre(frame),)))
        player.feed(MelodyFrame(frame, SILENCE, metre(frame)))
    assert len(player._heard) <= 12
    assert len(player._chords) <= 14


def test_what_is_final_is_known_before_the_rest_is_imagined() -> None:
    duet = Duet(MELODY)
    parts = duet.player.plans(PlanRequest(0, None, tuple(metre(frame) for frame in range(6)), commit=2))
    assert next(parts) is None
    committed = next(parts)
    assert committed is not None and duet.policy.taken == 2
    *between, whole = parts
    assert whole is not None and between == [None] * 3
    assert (committed.tokens, committed.committed) == (whole.tokens[:2], 2)
    assert committed.compute_seconds < whole.compute_seconds
    assert whole.tokens == Duet(MELODY, lookahead=6, commit=2).ask(0).tokens


@given(st.integers(0, 9), st.integers(1, 8), st.booleans())
def test_what_is_given_up_was_never_imagined(taken: int, commit: int, react: bool) -> None:
    duet = Duet(MELODY, react, lookahead=8, commit=commit)
    plain = Duet(MELODY, react, commit=commit).play()
    parts = duet.player.plans(PlanRequest(0, MELODY[0] if react else None, tuple(map(metre, range(8))), commit))
    heard = [part for _, part in zip(range(taken), parts, strict=False) if part is not None]
    parts.close()
    duet.chords = list(heard[0].tokens[:commit]) if heard else []
    assert duet.policy.past == duet.truth()[: min(taken, 1)]
    assert duet.play() == plain
    assert duet.policy.past == duet.truth()


def test_a_plan_of_no_frames_is_empty() -> None:
    duet = Duet(MELODY)
    assert duet.player.plan(PlanRequest(0, None, (), commit=1)).tokens == ()


@pytest.mark.parametrize("react", [False, True])
def test_what_is_cut_was_never_played(react: bool) -> None:
    duet = Duet(MELODY, react, lookahead=6, commit=6)
    duet.ask(0)
    for frame in range(3):
        duet.feed(frame)
    duet.player.cut(4)
    sounding = sounding_chord(duet.chords[3])
    assert sounding is not None
    duet.feed(3)
    duet.feed(4)  # and nobody asked for it
    duet.chords[4:] = [CHORD_HOLD + sounding]
    duet.ask(5)
    assert duet.policy.past == duet.truth()[:6]


def test_a_jump_takes_back_the_step_that_did_not_know_of_it() -> None:
    duet = Duet(MELODY)
    for frame in range(4):
        duet.ask(frame)
        duet.feed(frame)
    duet.ask(4)
    duet.player.cut(4)
    duet.player.plan(PlanRequest(4, None, ((0, 16, 4),)))
    assert duet.policy.past == [*duet.truth()[:4], StepInput(MELODY[3], duet.chords[3], HIDDEN, (0, 16, 4))]


def test_a_cut_far_back_hears_the_past_again() -> None:
    duet = Duet(MELODY, policy=ScriptedPolicy(window=8, spare=4))
    duet.play()
    duet.player.cut(14)
    sounding = sounding_chord(duet.chords[13])
    assert sounding is not None
    duet.player.plan(PlanRequest(24, None, (metre(24),)))
    assert [step.chord for step in duet.policy.past[-10:]] == [CHORD_HOLD + sounding] * 10


def test_another_sampling_draws_what_comes_and_forgets_nothing() -> None:
    duet = Duet(MELODY, lookahead=4, commit=2)
    for frame in range(6):
        if frame >= len(duet.chords):
            duet.ask(frame)
        duet.feed(frame)
    duet.player.sample(Sampling(allowed=frozenset({5})))
    plan = duet.ask(6)
    assert {sounding_chord(token) for token in plan.tokens} <= {None, 5}
    assert duet.policy.past == duet.truth()[:7]


def test_held_frames_are_counted_however_they_became_known() -> None:
    """Drawn, held for want of an answer, told, and long forgotten: the chord gets as old as it is."""
    eager = ScriptedPolicy(window=8, spare=4, hold=40.0)
    duet = Duet(MELODY * 9, policy=eager, sampling=Sampling(temperature=0.0, allowed=frozenset({5})))
    duet.ask(0)
    assert duet.chords == [CHORD_ONSET + 5]
    told = Player(ScriptedPolicy(window=8, spare=4, hold=40.0), duet.sampling)
    for frame in range(FREE_FRAMES + 7 * FRAMES_PER_NAT):
        duet.feed(frame)
        if frame % 2:
            duet.ask(frame + 1)
        else:
            duet.chords.append(CHORD_HOLD + 5)
    ages = [chord.frames for _, chord in sorted(duet.player._chords.items())]
    assert ages[-1] == len(duet.chords) > FREE_FRAMES and ages == list(range(ages[0], ages[-1] + 1))
    frames = [MelodyFrame(frame, duet.melody[frame], metre(frame)) for frame in range(len(duet.chords) - 9)]
    told.recall(False, frames, [(frame, token) for frame, token in enumerate(duet.chords) if frame % 4 == 0])
    assert told._chord_before(len(frames)).frames == len(frames)


def test_a_late_chord_is_heard_in_its_place() -> None:
    old, new = Duet(MELODY, lookahead=3), Duet(MELODY, lookahead=3)
    for frame in range(4):
        old.ask(frame)
        old.feed(frame)
    frames = [MelodyFrame(frame, MELODY[frame], metre(frame)) for frame in range(4)]
    new.player.recall(False, frames, [(0, old.chords[0])])
    new.player.recall(False, (), list(enumerate(old.chords))[1:])
    assert new.ask(4).tokens == old.ask(4).tokens
    assert new.policy.past == old.policy.past


@pytest.mark.parametrize("play", [True, False])
def test_an_answer_that_comes_late_replaces_what_was_held(play: bool) -> None:
    duet = Duet(MELODY, lookahead=4, commit=2)
    for frame in range(4):
        if frame >= len(duet.chords):
            duet.ask(frame)
        duet.feed(frame)
    for frame in range(4, 8):
        duet.feed(frame)
    duet.ask(4, play)
    sounding = sounding_chord(duet.chords[5])
    duet.chords += [NO_CHORD if sounding is None else CHORD_HOLD + sounding] * 2
    duet.ask(8)
    assert duet.policy.past == duet.truth()[:9]


def test_the_past_may_be_told_piece_by_piece() -> None:
    old, new = Duet(MELODY, react=True), Duet(MELODY, react=True)
    old.play()
    for frame, heard in enumerate(MELODY):
        new.player.recall(True, [MelodyFrame(frame, heard, metre(frame))], [(frame, old.chords[frame])])
    assert new.policy.past == old.policy.past
    assert new.policy.taken == len(MELODY)


@pytest.mark.parametrize("react", [True, False])
@pytest.mark.parametrize("seed", range(12))
def test_the_first_chord_fits_what_was_heard(react: bool, seed: int) -> None:
    """In react it holds the note it comes in with; before it, here, a bar of the triad of D flat."""
    triad = [NOTE_ONSET + pitch for pitch in (61, 65, 68, 65)] * 3
    duet = Duet([*triad, NOTE_ONSET + 65], react=react, sampling=Sampling(seed=seed))
    for frame in range(12):
        duet.ask(frame, play=False)
        duet.feed(frame)
    now = duet.melody[12] if react else None
    plan = duet.player.plan(PlanRequest(12, now, (metre(12),), enters=True))
    chord = sounding_chord(plan.tokens[0])
    assert chord is not None
    assert {1, 5, 8} <= set(chord_at(chord).pitch_classes) if not react else 5 in chord_at(chord).pitch_classes


def test_where_no_chord_that_fits_is_allowed_the_first_one_is_any_that_is() -> None:
    allowed = frozenset({Chord(2, "maj").index})
    duet = Duet([NOTE_ONSET + 61], react=True, sampling=Sampling(seed=1, allowed=allowed))
    plan = duet.player.plan(PlanRequest(0, duet.melody[0], (metre(0),), enters=True))
    assert sounding_chord(plan.tokens[0]) in (None, Chord(2, "maj").index)
