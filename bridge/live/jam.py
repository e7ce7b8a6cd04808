"""The one place where the parts of a live session are put together."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import replace
from pathlib import Path

from bridge.controls.mapping import ControlMap, missing_presets
from bridge.controls.settings import Settings
from bridge.controls.user_file import UserFile
from bridge.demo.performer import Baton, Performer, score_events
from bridge.events import Set
from bridge.live.hosts import HostPorts
from bridge.live.presets import PresetKeeper
from bridge.live.record import Record
from bridge.live.sender import Around, Sent, Tap
from bridge.live.session import Parts, Session
from bridge.live.show import Show
from bridge.page.tap import PageTap
from bridge.ports.choice import PortChoice, Ports, open_ports
from bridge.recording.switch import Told, open_switch
from bridge.seams import InPort
from bridge.sync.conductor import Conductor
from bridge.timing.beatmap import BeatMap
from bridge.timing.clock import MonotonicClock
from bridge.timing.metre import BarGrid
from gapt_core.song import Song
from plugin_host.accompanist import Accompanist

Hire = Callable[[], AbstractContextManager[Accompanist]]


@contextlib.contextmanager
def open_jam(
    settings: Settings,
    choice: PortChoice,
    hire: Hire,
    show: Show,
    user_file: UserFile,
    take: Path | None = None,
    page: PageTap | None = None,
) -> Iterator[tuple[Session, Ports]]:
    """A session that follows a player and a host; all it opens is closed on the way out.

    Args:
        hire: gets an accompanist.
        take: the MIDI file to record to, while the parameter `recording` is on.
        page: shows the session and takes settings.

    Raises:
        GaptError: a port cannot be had, the accompanist cannot start, or nothing can be recorded there.
    """
    clock = MonotonicClock()
    with contextlib.ExitStack() as stack:
        ports = open_ports(choice, clock, stack, settings, show.say)
        back = _Back(clock)
        recording = stack.enter_context(open_switch(take, settings.recording, _told(show, page, back)))
        player = stack.enter_context(hire())
        mapping = stack.enter_context(contextlib.closing(ControlMap(user_file, tell=show.say)))
        for sentence in missing_presets(user_file):
            show.say(sentence)
        taps = [*show.taps, recording.send, *_taps(page)]
        around = Around((mapping, Conductor(settings)), taps, show.sent, lambda: player.trouble or "")
        parts = Parts(player, [*ports.ways_in], ports.ways_out, [*ports.tended], around)
        session = back.session = Session(clock, settings, parts)
        parts.tended.append(PresetKeeper(clock, player, lambda: session.settings, session.put, show.say))
        hosts = HostPorts(clock, lambda: session.settings, show.say)
        parts.ways_in += [hosts, *_ways_in(page)]
        parts.tended.append(hosts)
        yield session, ports


@contextlib.contextmanager
def open_demo(
    settings: Settings,
    song: Song,
    choice: PortChoice,
    hire: Hire,
    show: Show,
    record: Record,
    page: PageTap | None = None,
) -> Iterator[Session]:
    """A session in which a performer plays the melody of `song` and then ends it; ports only where `choice` wants them.

    Raises:
        GaptError: a port cannot be had, or the accompanist cannot start.
    """
    clock = MonotonicClock()

    def sent(chord: Sent) -> None:
        record.add(chord)
        show.sent(chord)

    with contextlib.ExitStack() as stack:
        ports = open_ports(choice, clock, stack, settings)
        back = _Back(clock)
        recording = stack.enter_context(open_switch(None, settings.recording, _told(show, page, back)))
        player = stack.enter_context(hire())
        performer = Performer(clock, score_events(song))
        baton = Baton(performer, BeatMap.of_tempos(song.tempos))
        taps = [*show.taps, recording.send, *_taps(page)]
        around = Around((baton,), taps, sent, lambda: player.trouble or "")
        ways_in, ways_out = [*ports.ways_in, performer, *_ways_in(page)], [*ports.ways_out, record]
        parts = Parts(player, ways_in, ways_out, [*ports.tended], around, BarGrid.of_song(song))
        session = back.session = Session(clock, replace(settings, tempo=song.tempos[0].bpm), parts)
        parts.tended.append(PresetKeeper(clock, player, lambda: session.settings, session.put, show.say))
        performer.ended = session.stop
        yield session


class _Back:
    """The way back into a session for what has to be opened before it."""

    def __init__(self, clock: MonotonicClock) -> None:
        self.session: Session | None = None
        self._clock = clock

    def stop_recording(self) -> None:
        if self.session is not None:
            self.session.put(Set(self._clock.now(), "recording", False))


def _told(show: Show, page: PageTap | None, back: _Back) -> Told:
    return Told(show.tell, back.stop_recording, page.record) if page else Told(show.tell, back.stop_recording)


def _taps(page: PageTap | None) -> list[Tap]:
    return [page.send] if page else []


def _ways_in(page: PageTap | None) -> list[InPort]:
    return [page] if page else []
