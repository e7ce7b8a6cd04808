"""A real Ardour, driven and heard over its own OSC."""

from __future__ import annotations

import queue
import socket
from collections.abc import Callable, Iterator

import pytest
from ardour import PORT, missing, running

from bridge.events import HostReport, InEvent
from bridge.ports.osc.choice import LOOPBACK
from bridge.ports.osc.codec import build
from bridge.ports.osc.dialects.ardour import Ardour
from bridge.ports.osc.dialects.port import DialectPort
from bridge.timing.clock import MonotonicClock

REASON = missing()
pytestmark = [pytest.mark.nightly, pytest.mark.skipif(bool(REASON), reason=REASON)]

BPM = 97.5
PATIENCE = 20.0
SAMPLES_PER_SECOND = 48000


@pytest.fixture(scope="module")
def daw(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., None]]:
    """Sends an address and its arguments to Ardour."""
    with (
        running(tmp_path_factory.mktemp("ardour"), BPM),
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp,
    ):
        yield lambda address, *arguments: udp.sendto(build(address, list(arguments)), (LOOPBACK, PORT))


class Reports:
    """What the port tells, waited for."""

    def __init__(self) -> None:
        self._events: queue.SimpleQueue[InEvent] = queue.SimpleQueue()
        self.put = self._events.put

    def until(self, wanted: Callable[[HostReport], bool]) -> HostReport:
        while True:
            event = self._events.get(timeout=PATIENCE)
            assert isinstance(event, HostReport) and event.host == "ardour"
            if wanted(event):
                return event


def beats(report: HostReport) -> float:
    assert report.bar is not None
    return report.bar[0] * 4.0 + report.bar[1]


def test_ardour_is_heard_while_it_stands_rolls_jumps_and_stops(daw: Callable[..., None]) -> None:
    reports = Reports()
    port = DialectPort(MonotonicClock(), Ardour())
    port.start(reports.put)
    try:
        assert reports.until(lambda report: report.playing is not None).playing is False
        place = reports.until(lambda report: report.bar is not None)
        assert (place.bar, place.song_seconds) == ((0, 0.0), 0.0)

        daw("/transport_play")
        reports.until(lambda report: report.playing is True)
        first = reports.until(lambda report: report.bar is not None and beats(report) > 0.0)
        later = reports.until(lambda report: report.bar is not None and beats(report) > 3.0)
        assert first.song_seconds is not None and later.song_seconds is not None
        bpm = (beats(later) - beats(first)) / (later.song_seconds - first.song_seconds) * 60.0
        assert bpm == pytest.approx(BPM, rel=0.005)

        daw("/locate", 20 * SAMPLES_PER_SECOND, 1)
        jumped = reports.until(lambda report: report.bar is not None and beats(report) > 20.0)
        assert jumped.song_seconds == pytest.approx(beats(jumped) * 60.0 / BPM, abs=0.01)

        daw("/transport_stop")
        reports.until(lambda report: report.playing is False)
    finally:
        port.close()
    assert port.malformed == 0
