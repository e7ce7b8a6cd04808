"""What hosts say, message by message as they send it, and their ports: who speaks, who is silent, who holds a port."""

from __future__ import annotations

import os
import queue
import socket
from collections.abc import Callable, Iterator, Sequence

import pytest
from ableton_peer import AbletonPeer
from osc_wire import PATIENCE, client

from bridge.events import HostReport, InEvent, PortChanged
from bridge.ports.osc.choice import LOOPBACK
from bridge.ports.osc.codec import Message, build, bundle, parse
from bridge.ports.osc.dialects.ableton import PROPERTIES, AbletonOsc
from bridge.ports.osc.dialects.ardour import Ardour
from bridge.ports.osc.dialects.bitwig import DrivenByMoss
from bridge.ports.osc.dialects.dialect import Dialect
from bridge.ports.osc.dialects.either import ReaperOrBitwig
from bridge.ports.osc.dialects.port import DialectPort
from bridge.ports.osc.dialects.reaper import Reaper
from bridge.ports.osc.holder import holder
from bridge.timing.clock import MonotonicClock

Words = Sequence[tuple[str, object]]


def said(dialect: Dialect, *datagrams: Words, seconds: float = 5.0) -> list[HostReport]:
    """The reports of datagrams, each of which holds some messages of one argument."""
    reports = [dialect.read(seconds, [Message(address, (value,)) for address, value in words]) for words in datagrams]
    return [report for report in reports if report is not None]


@pytest.mark.parametrize(
    ("address", "value", "report"),
    [
        ("tempo", 97.5, HostReport(5.0, "ableton", bpm=97.5)),
        ("is_playing", True, HostReport(5.0, "ableton", playing=True)),
        ("is_playing", 0, HostReport(5.0, "ableton", playing=False)),
        ("current_song_time", 12.34, HostReport(5.0, "ableton", beats=12.34)),
    ],
)
def test_ableton(address: str, value: object, report: HostReport) -> None:
    assert said(AbletonOsc(), [(f"/live/song/get/{address}", value)]) == [report]


def test_ableton_tells_metre_scale_and_loop_in_parts() -> None:
    dialect = AbletonOsc()
    parts = [("signature_numerator", 6), ("signature_denominator", 8), ("root_note", 2), ("scale_name", "Dorian")]
    parts += [("loop", True), ("loop_start", 4.0), ("loop_length", 16.0), ("loop", False)]
    reports = said(dialect, *([(f"/live/song/get/{name}", value)] for name, value in parts))
    assert [report.metre for report in reports[:2]] == [None, (6, 8)]
    assert [report.scale for report in reports[2:4]] == [None, (2, "Dorian")]
    assert [report.loop for report in reports[4:]] == [None, None, (4.0, 16.0), (0.0, 0.0)]


@pytest.mark.parametrize(
    ("address", "value", "report"),
    [
        ("/beat/str", "3.2.50", HostReport(5.0, "reaper", bar=(2, 1.5))),
        ("/beat/str", "1.1.00", HostReport(5.0, "reaper", bar=(0, 0.0))),
        ("/beat/str", "-2.4.75", HostReport(5.0, "reaper", bar=(-3, 3.75))),
        ("/time", 61.25, HostReport(5.0, "reaper", song_seconds=61.25)),
        ("/tempo/raw", 130.0, HostReport(5.0, "reaper", bpm=130.0)),
        ("/play", 1.0, HostReport(5.0, "reaper", playing=True)),
        ("/play", 0, HostReport(5.0, "reaper", playing=False)),
        ("/stop", 1.0, HostReport(5.0, "reaper", playing=False)),
        ("/pause", 1.0, HostReport(5.0, "reaper", playing=False)),
    ],
)
def test_reaper(address: str, value: object, report: HostReport) -> None:
    assert said(Reaper(), [(address, value)]) == [report]
    assert said(ReaperOrBitwig(), [(address, value)]) == [report]


def test_what_reaper_sends_in_one_bundle_is_one_report() -> None:
    words = [("/time", 2.0), ("/beat/str", "2.1.00"), ("/stop", 0.0), ("/play", 1.0), ("/track/1/vu", 0.5)]
    assert said(Reaper(), words) == [HostReport(5.0, "reaper", bar=(1, 0.0), song_seconds=2.0, playing=True)]


def test_ardour_tells_bars_and_seconds_of_one_moment_together() -> None:
    dialect = Ardour()
    assert said(dialect, [("/position/bbt", "002|03|0960")], seconds=5.0) == []
    assert said(dialect, [("/position/time", "00:01:02.500")], seconds=5.0002) == [
        HostReport(5.0, "ardour", bar=(1, 2.5), song_seconds=62.5)
    ]


def test_ardour_without_seconds_tells_bars_alone() -> None:
    dialect = Ardour()
    place = [("/position/bbt", "001|01|0000")]
    assert said(dialect, place, seconds=5.0) == []
    assert said(dialect, place, seconds=5.1) == [HostReport(5.0, "ardour", bar=(0, 0.0))]


@pytest.mark.parametrize(
    ("address", "value", "playing"),
    [("/transport_play", 1.0, True), ("/transport_play", 0, False), ("/transport_stop", 1.0, False)],
)
def test_ardour_rolls_or_stands(address: str, value: object, playing: bool) -> None:
    assert said(Ardour(), [(address, value)]) == [HostReport(5.0, "ardour", playing=playing)]


BITWIG = [
    ("/update", 1),
    ("/play", 1),
    ("/tempo/raw", 128.0),
    ("/time/str", "0.00.10:781"),
    ("/time/signature", "3 / 4"),
    ("/beat/str", "8.3.1:50"),
    ("/update", 0),
]


def test_a_bundle_of_bitwig_is_one_report() -> None:
    expected = HostReport(5.0, "bitwig", beats=7 * 3 + 2 + 0.125, bpm=128.0, metre=(3, 4), playing=True)
    assert said(DrivenByMoss(), BITWIG) == said(ReaperOrBitwig(), BITWIG) == [expected]


@pytest.mark.parametrize("metre", ["4 / 4", "3 / 4", "6 / 8", "7 / 8", "5 / 4"])
@pytest.mark.parametrize("beats", [0.0, 0.25, 3.0, 3.5, 10.6225, 41.995, -1.0])
def test_bitwig_s_places_are_found_again_whatever_its_bars(metre: str, beats: float) -> None:
    numerator, denominator = (int(part) for part in metre.split(" / "))
    written = _formatted(beats, 4 * numerator // denominator)
    (report,) = said(DrivenByMoss(), [("/time/signature", metre), ("/beat/str", written)])
    assert report.beats == pytest.approx(beats, abs=1.0 / 400.0)


def _formatted(beats: float, quarters: int) -> str:
    """As DrivenByMoss writes it."""
    bar, rest = divmod(beats, quarters)
    sixteenth = int(rest % 1.0 / 0.25)
    hundredths = int((rest % 1.0 - sixteenth * 0.25) / 0.25 * 100.0)
    return f"{int(bar) + 1}.{int(rest) + 1}.{sixteenth + 1}:{hundredths:02d}"


@pytest.mark.parametrize("dialect", [AbletonOsc, Reaper, Ardour, DrivenByMoss, ReaperOrBitwig])
@pytest.mark.parametrize(
    "value", [None, b"1", "nonsense", "9999999.9.99", float("nan"), float("inf"), 1e30, "0 / 0", "1.1.1:99999", "", "4"]
)
def test_nonsense_says_nothing_false(dialect: Callable[[], Dialect], value: object) -> None:
    addresses = ["/beat/str", "/time", "/tempo/raw", "/time/signature", "/position/bbt", "/position/time"]
    addresses += [f"/live/song/get/{name}" for name in PROPERTIES if name not in ("is_playing", "loop", "scale_name")]
    for report in said(dialect(), *([(address, value)] for address in addresses)):
        assert (report.bpm, report.bar, report.metre, report.scale, report.loop) in (
            (None, None, None, None, None),
            (None, None, (4, 4), None, None),
        )
        assert report.beats is None or report.beats == pytest.approx(0.0, abs=1e7)


@pytest.mark.parametrize("dialect", [AbletonOsc, Reaper, Ardour, DrivenByMoss, ReaperOrBitwig])
def test_messages_without_arguments_say_nothing(dialect: Callable[[], Dialect]) -> None:
    addresses = ["/beat/str", "/time", "/play", "/stop", "/position/bbt", "/live/song/get/tempo", "/update"]
    assert dialect().read(5.0, [Message(address) for address in addresses]) is None


class Ear:
    """Takes what a port reports and waits for what the test is after."""

    def __init__(self) -> None:
        self._events: queue.SimpleQueue[InEvent] = queue.SimpleQueue()
        self.put = self._events.put

    def until(self, wanted: Callable[[HostReport], bool]) -> HostReport:
        while True:
            event = self._events.get(timeout=PATIENCE)
            if isinstance(event, HostReport) and wanted(event):
                return event

    def port_changed(self) -> PortChanged:
        while True:
            event = self._events.get(timeout=PATIENCE)
            if isinstance(event, PortChanged):
                return event


class QuickAbleton(AbletonOsc):
    """Loses patience soon."""

    silence_seconds = 0.5


def test_a_session_with_ableton() -> None:
    ear = Ear()
    with client() as free:
        response_port = free.getsockname()[1]
    with AbletonPeer(response_port) as live:
        port = DialectPort(MonotonicClock(), AbletonOsc(), response_port, live.port)
        port.start(ear.put)
        ear.until(lambda report: report.metre == (4, 4))
        assert ear.until(lambda report: report.scale is not None).scale == (0, "Major")
        live.set("tempo", 97.5)
        ear.until(lambda report: report.bpm == 97.5)
        live.set("is_playing", True)
        ear.until(lambda report: report.playing is True)
        first = ear.until(lambda report: (report.beats or 0.0) > 0.2)
        later = ear.until(lambda report: (report.beats or 0.0) > 0.8)
        assert later.seconds > first.seconds
        live.set("current_song_time", 64.0)
        ear.until(lambda report: (report.beats or 0.0) >= 64.0)
        assert live.listened == set(PROPERTIES)
        port.close()
        port.close()
        wait_for(lambda: not live.listened)


def wait_for(condition: Callable[[], bool]) -> None:
    """Come back when it holds; the helper works ten times a second."""
    until = MonotonicClock().now() + PATIENCE
    while not condition():
        assert MonotonicClock().now() < until, "it never came"


def test_ableton_is_asked_again_when_it_loads_its_script_anew_or_falls_silent() -> None:
    ear = Ear()
    with client() as free:
        response_port = free.getsockname()[1]
    with AbletonPeer(response_port) as live:
        port = DialectPort(MonotonicClock(), QuickAbleton(), response_port, live.port)
        port.start(ear.put)
        wait_for(lambda: live.listened == set(PROPERTIES))
        live.reload()
        wait_for(lambda: live.listened == set(PROPERTIES))
        live.forget()
        wait_for(lambda: live.listened == set(PROPERTIES))
        first_port = live.port
    with AbletonPeer(response_port, first_port) as live:  # Live was closed and opened again
        wait_for(lambda: live.listened == set(PROPERTIES))
        live.set("tempo", 77.0)
        ear.until(lambda report: report.bpm == 77.0)
    port.close()


def test_ardour_is_told_where_to_answer_and_told_again(ardour: socket.socket) -> None:
    class QuickArdour(Ardour):
        silence_seconds = 0.3

    ear = Ear()
    port = DialectPort(MonotonicClock(), QuickArdour(), port_out=ardour.getsockname()[1])
    port.start(ear.put)
    for _ in range(3):
        datagram, sender = ardour.recvfrom(4096)
        (message,) = parse(datagram)
        assert message == Message("/set_surface", (0, 159, 8 + 16 + 32 + 2048, 0, 0, 0, sender[1]))
        assert sender[1] == port.port
    ardour.sendto(build("/transport_play", [1.0]), sender)
    assert ear.until(lambda report: True).playing is True
    port.close()
    while (message := parse(ardour.recv(4096))[0]).arguments[2] != 0:
        assert message.address == "/set_surface"


@pytest.fixture
def ardour() -> Iterator[socket.socket]:
    with client() as udp:
        yield udp


def test_a_port_that_is_held_is_waited_for_and_its_holder_named() -> None:
    ear = Ear()
    with client() as other:
        number = other.getsockname()[1]
        port = DialectPort(MonotonicClock(), Reaper(), number)
        port.start(ear.put)
        assert ear.port_changed().there is False
        assert port.problem.startswith(f"REAPER cannot be heard, for UDP port {number} is held by ")
        assert port.problem.endswith(": close that, and it is taken at once.")
        assert port.port is None
    assert ear.port_changed().there is True
    assert (port.problem, port.port) == ("", number)
    with client() as reaper:
        reaper.sendto(b"\xffnonsense", (LOOPBACK, number))
        reaper.sendto(bundle(build("/time", [1.5]), build("/beat/str", ["1.4.00"])), (LOOPBACK, number))
        report = ear.until(lambda report: True)
    assert (report.bar, report.song_seconds, port.malformed) == ((0, 3.0), 1.5, 1)
    port.close()


def test_closing_while_waiting_for_a_port_does_not_wait() -> None:
    with client() as other:
        port = DialectPort(MonotonicClock(), Reaper(), other.getsockname()[1])
        port.start(lambda event: None)
        port.close()
    DialectPort(MonotonicClock(), Reaper()).close()


def test_the_holder_of_a_port_has_a_name() -> None:
    with client() as udp:
        number = udp.getsockname()[1]
        assert holder(number).endswith(f"(process {os.getpid()})") or holder(number) == ""
    assert holder(number) == ""
