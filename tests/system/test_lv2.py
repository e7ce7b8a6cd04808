"""Our LV2 example, compiled and played in a real host on a JACK server: the protocol for plug-ins at work."""

from __future__ import annotations

import itertools
import os
import queue
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path

import jack
import pytest
from osc_peer import PATIENCE, Peer, jam

from bridge.errors import BridgeError
from bridge.ports.midi_drivers import Connection, Driver, load_driver

EXAMPLE = Path(__file__).parents[2] / "examples" / "lv2"
URI = "https://gapt-bridge.example/lv2/gapt"
BPM = 60.0
"""Slow: a place that is off by a sixteenth of a beat is a jump, and a busy machine is late by some ten milliseconds."""

CHECK = 0
"""A pitch that only says that the lines between host, keyboard and ear hold."""

ABSENT = [program for program in ("gcc", "jalv", "klick", "jack_transport") if shutil.which(program) is None]
HEADERS = Path("/usr/include/lv2/core/lv2.h")

pytestmark = [
    pytest.mark.skipif(bool(jack.missing()), reason=jack.missing()),
    pytest.mark.skipif(bool(ABSENT), reason=f"{', '.join(ABSENT)} not installed (Debian: gcc jalv klick jackd2)"),
    pytest.mark.skipif(not HEADERS.exists(), reason="the headers of LV2 are not installed (Debian: lv2-dev)"),
]


@pytest.fixture(scope="module")
def plugins(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the compiled plug-in."""
    folder = tmp_path_factory.mktemp("lv2")
    bundle = folder / "gapt.lv2"
    bundle.mkdir()
    for name in ("manifest.ttl", "gapt.ttl"):
        shutil.copy(EXAMPLE / name, bundle)
    flags = ["-O2", "-Wall", "-Wextra", "-Wno-unused-parameter", "-Werror", "-shared", "-fPIC"]
    subprocess.run(["gcc", *flags, EXAMPLE / "gapt.c", "-o", bundle / "gapt.so", "-lm"], check=True)
    return folder


@pytest.fixture(scope="module", autouse=True)
def jack_server() -> Iterator[None]:
    with jack.server(f"gapt-lv2-{os.getpid()}"):
        yield


@pytest.fixture(scope="module")
def driver(jack_server: None) -> Driver:
    return load_driver()


class Host:
    """A host with the plug-in, a keyboard before it and an ear behind it."""

    def __init__(self, driver: Driver, plugins: Path, port: int) -> None:
        environment = {**os.environ, "LV2_PATH": f"{plugins}:/usr/lib/lv2", "GAPT_OSC_PORT": str(port)}
        self._jalv = subprocess.Popen(
            ["jalv", "-x", "-n", "gapt", URI],
            env=environment,
            stdin=subprocess.PIPE,  # it ends with its input
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )
        self._heard: queue.SimpleQueue[list[int]] = queue.SimpleQueue()
        self.keyboard = self._joined("gapt:melody", lambda port: driver.open_output(port, False))
        self.ear = self._joined("gapt:chords", lambda port: driver.open_input(port, False, self._heard.put))

    def hear(self, patience: float = PATIENCE) -> tuple[int, int, int]:
        """Status byte, pitch and velocity of the next note.

        Raises:
            queue.Empty: none came within `patience` seconds.
        """
        while True:
            status, pitch, velocity = self._heard.get(timeout=patience)
            if pitch != CHECK:
                return status, pitch, velocity

    def check(self, peer: Peer) -> None:
        """Return when what is played on the keyboard reaches the peer, and what the peer says the ear."""
        address = ""
        while address != "/gapt/note":
            self.keyboard.send([0x80, CHECK, 0])
            address, _ = peer.any()
        while self._heard.empty():
            peer.say("/gapt/play", CHECK, 0, 1)
            peer.any()

    def close(self) -> None:
        self.keyboard.close()
        self.ear.close()
        self._jalv.terminate()
        self._jalv.communicate(timeout=PATIENCE)

    def _joined(self, port: str, join: Callable[[str], Connection]) -> Connection:
        """Try until the line to `port` holds: the host says nothing when it has its ports, nor when they work."""
        while self._jalv.poll() is None:
            with suppress(BridgeError):
                connection = join(port)
                listed = subprocess.run(["jack_lsp", "-c", port], capture_output=True, text=True, check=False).stdout
                if len(listed.splitlines()) > 1:
                    return connection
                connection.close()
        raise AssertionError(self._jalv.communicate()[0])


@pytest.fixture
def peer() -> Iterator[Peer]:
    peer = Peer()
    yield peer
    peer.close()


@pytest.fixture
def host(driver: Driver, plugins: Path, peer: Peer) -> Iterator[Host]:
    host = Host(driver, plugins, peer.port)
    peer.welcome()
    host.check(peer)
    yield host
    host.close()


@contextmanager
def rolling() -> Iterator[None]:
    """The server's transport rolls at `BPM` in 3/4, with a metronome as master of bars and beats.

    To be started after the host: this one tells a plug-in what changes, and not how it was before.
    """
    klick = subprocess.Popen(["klick", "-T", "3/4", f"{BPM:g}"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    while (
        klick.poll() is None and b"klick:" not in subprocess.run(["jack_lsp"], capture_output=True, check=True).stdout
    ):
        pass  # it says nothing when it is there, and stops the transport when it comes
    try:
        transport("locate 0", "play")
        yield
        transport("stop")
    finally:
        klick.terminate()
        klick.wait(PATIENCE)


def transport(*orders: str) -> None:
    """Say this to JACK's transport."""
    text = "\n".join([*orders, "exit", ""])
    subprocess.run(["jack_transport"], input=text, text=True, check=True, stdout=subprocess.DEVNULL)


def test_notes_go_out_and_chords_come_in(host: Host, peer: Peer) -> None:
    host.keyboard.send([0x90, 60, 100])
    assert note(peer) == (60, 100)
    host.keyboard.send([0x80, 60, 0])
    assert note(peer) == (60, 0)
    for pitch, velocity, channel in [(64, 90, 1), (67, 80, 16), (64, 0, 1)]:
        peer.say("/gapt/play", pitch, velocity, channel)
    assert [host.hear(), host.hear(), host.hear()] == [(0x90, 64, 90), (0x9F, 67, 80), (0x80, 64, 0)]
    peer.say("/gapt/silence", 16)
    assert host.hear() == (0x8F, 67, 0)


def test_what_is_not_the_protocol_is_passed_over(host: Host, peer: Peer) -> None:
    peer.say("/gapt/play", 200, 90, 1)
    peer.say("/gapt/play", 60, 90, 17)
    peer.say("/gapt/play", "sixty", 90, 1)
    peer.say("/gapt/silence", 4711)
    peer.say("/gapt/tomorrow", 1.5, "new")
    peer.say("/gapt/play", 60, 90, 1)
    assert host.hear() == (0x90, 60, 90)


def test_a_bridge_that_falls_silent_leaves_no_note(host: Host, peer: Peer) -> None:
    peer.say("/gapt/play", 60, 90, 1)
    assert host.hear() == (0x90, 60, 90)
    assert host.hear() == (0x80, 60, 0)
    peer.welcome(session=8)


def test_it_takes_leave(host: Host, peer: Peer) -> None:
    host.close()
    assert peer.next("/gapt/unsubscribe") == ()


def test_the_hosts_place_goes_out(host: Host, peer: Peer) -> None:
    with rolling():
        places = places_of(peer)
        assert places == sorted(set(places))
        host.keyboard.send([0x90, 60, 100])
        pitch, velocity, beat = note(peer)
        assert (pitch, velocity) == (60, 100)
        assert isinstance(beat, float) and beat > places[-1]


def note(peer: Peer) -> tuple[object, ...]:
    """Arguments of the next note that the plug-in tells."""
    while (arguments := peer.next("/gapt/note"))[0] == CHECK:
        pass
    return arguments


def places_of(peer: Peer) -> list[float]:
    """Beats of the next twenty places that the plug-in tells."""
    places: list[float] = []
    while len(places) < 20:
        beat, bpm, playing, numerator, denominator = peer.next("/gapt/host")
        assert isinstance(beat, float)
        if playing and bpm == BPM:  # before, the metronome is not yet master
            assert (numerator, denominator) == (3, 4)
            places.append(beat)
    return places


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no signal to send for Ctrl-C")
def test_a_duet_with_the_bridge_in_the_hosts_time(driver: Driver, plugins: Path) -> None:
    with jam("osc") as (session, port), closing(Host(driver, plugins, port)) as host:
        line(session, "Ready")
        with rolling():
            sounding: set[tuple[int, int]] = set()
            keep(answer(host), sounding)
            assert sounding
            session.terminate()
            while sounding:
                keep(host.hear(), sounding)
            out, err = session.communicate(timeout=PATIENCE)
            assert (session.returncode, err) == (0, ""), out


def answer(host: Host) -> tuple[int, int, int]:
    """Play, a note a second, until a note comes back."""
    for pitch in itertools.islice(itertools.cycle((60, 64, 67)), round(PATIENCE)):
        host.keyboard.send([0x90, pitch, 100])
        with suppress(queue.Empty):
            return host.hear(patience=1.0)
        host.keyboard.send([0x80, pitch, 0])
    raise AssertionError("nobody answered")


def line(session: subprocess.Popen[str], begins: str) -> str:
    """The next line of output that begins so."""
    assert session.stdout is not None
    return next(text for text in session.stdout if text.startswith(begins))


def keep(note: tuple[int, int, int], sounding: set[tuple[int, int]]) -> None:
    """Add a note to what sounds, or take it away."""
    status, pitch, velocity = note
    ends = status & 0xF0 == 0x80 or velocity == 0
    (sounding.discard if ends else sounding.add)((status & 0x0F, pitch))
