"""Whether the policy answers in time: the worker's own step, and the way there and back, against a frame."""

from __future__ import annotations

import queue
import time
from collections.abc import Iterator
from dataclasses import dataclass

from bridge.diagnosis.findings import Finding
from bridge.live.record import percentile
from gapt_core.vocabulary import NOTE_HOLD, NOTE_ONSET
from plugin_host.accompanist import MelodyFrame, Plan, PlanRequest, Sampling
from plugin_host.proxy import WorkerAccompanist

FRAMES = 96
WARM_FRAMES = 16
"""The first answers of a process are slow and are not counted, as in a session they come before the music."""

BAR = 16
GOOD_SHARE = 0.5
"""How much of a frame the slowest answer in a hundred may take for all to be well."""

ANSWER_SECONDS = 10.0


@dataclass(frozen=True, slots=True)
class StepTimes:
    """Milliseconds, in order of size: what the policy computed for, and from asking to the answer."""

    compute: list[float]
    answer: list[float]


def step_time(preset: str, bpm: float) -> Iterator[Finding]:
    """Plays a scale to `preset` in a process of its own, at the pace at which it would come.

    Raises:
        GaptError: the preset is not there or its process does not start.
    """
    frame_ms = 15_000.0 / bpm
    try:
        times = measure(preset, min(frame_ms / 1000.0, 0.05))
    except TimeoutError:
        text = f"“{preset}” gave no answer within {ANSWER_SECONDS:.0f} seconds"
        yield Finding("step", "fail", text, "end other programs and try again.")
        return
    p50, p99 = (percentile(times.answer, share) for share in (0.5, 0.99))
    text = (
        f"“{preset}” computes {percentile(times.compute, 0.5):.1f} ms, answers in {p50:.1f} ms, p99 {p99:.1f} ms; "
        f"a frame lasts {frame_ms:.0f} ms at {bpm:g} bpm"
    )
    if p99 <= GOOD_SHARE * frame_ms:
        yield Finding("step", "ok", text)
    elif p50 <= frame_ms:
        yield Finding("step", "warn", text, "some chords will be late: end other programs, or use a larger --commit.")
    else:
        yield Finding("step", "fail", text, "it cannot keep up: play slower, or use a smaller preset.")


def measure(preset: str, period: float) -> StepTimes:
    """How long answers take when one is asked for every `period` seconds, as `react` asks.

    Raises:
        GaptError: the preset is not there or its process does not start.
        TimeoutError: an answer does not come.
    """
    answers: queue.SimpleQueue[tuple[float, Plan]] = queue.SimpleQueue()
    times = StepTimes([], [])
    with WorkerAccompanist(preset, Sampling()) as policy:
        for frame in range(FRAMES):
            metre = (frame % BAR, BAR, 4)
            note = (NOTE_HOLD if frame % 2 else NOTE_ONSET) + 60 + (frame // 2) % 12
            began = time.perf_counter()
            request = PlanRequest(frame, note, (metre,))
            policy.plan(request, lambda plan: answers.put((time.perf_counter(), plan)))
            try:
                came, plan = answers.get(timeout=ANSWER_SECONDS)
            except queue.Empty:
                raise TimeoutError(policy.trouble) from None
            policy.feed(MelodyFrame(frame, note, metre))
            if frame >= WARM_FRAMES:
                times.compute.append(1000.0 * plan.compute_seconds)
                times.answer.append(1000.0 * (came - began))
            time.sleep(max(0.0, period - (time.perf_counter() - began)))
    return StepTimes(sorted(times.compute), sorted(times.answer))
