"""The page's process, for real: what it serves, what it refuses, how it dies and comes back, how it ends."""

from __future__ import annotations

import errno
import io
import json
import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import mido
import pytest
from page_peer import PATIENCE, Peer, Told, again, get, kill, narrow_socket, open_page, values_of
from websockets.exceptions import ConnectionClosed, InvalidStatus

from bridge.controls.settings import Settings
from bridge.errors import BridgeError
from bridge.events import (
    ChordStarts,
    ClockOut,
    EndNote,
    MelodyHeard,
    ParameterChanged,
    PlannedChord,
    PlanShown,
    PlayNote,
    Set,
    TransportChanged,
)
from bridge.live.page import open_page as open_beside_a_jam
from bridge.page.gate import is_loopback, outward_address
from bridge.page.process import refusal
from bridge.page.server import MOST_CLIENTS
from bridge.page.tap import PageChoice, PageTap
from bridge.timing.clock import MonotonicClock

OUTWARD = outward_address("0.0.0.0")


@pytest.fixture
def page() -> Iterator[PageTap]:
    with open_page() as page:
        yield page


def port_of(page: PageTap) -> int:
    return int(page.url.rstrip("/").rpartition(":")[2])


def play_bar(page: PageTap, bar: int = 0) -> None:
    """Four beats of melody under a chord, as the sender would tell them at 120."""
    begin = 4.0 * bar
    if not bar:
        page.send(TransportChanged(0.0, True, 120.0, (4, 4), True), 100.0, 0.0)
    for i in range(4):
        beat = begin + i
        seconds = 100.0 + beat / 2
        page.send(MelodyHeard(beat, 60 + i, 90, 0), seconds, beat)
        if not i:
            page.send(PlayNote(beat, 48, 70, 0), seconds, beat)
            page.send(ChordStarts(beat, int(beat * 4), "C:maj", (48,)), seconds, beat)
        page.send(ClockOut(beat, "tick"), seconds, beat)
        page.send(MelodyHeard(beat + 0.9, 60 + i, 0, 0), seconds + 0.45, beat + 0.9)
    page.send(EndNote(begin + 4.0, 48, 0), 100.0 + (begin + 4.0) / 2, begin + 4.0)


def catch_up(page: PageTap, peer: Peer, sentence: str = "So far.") -> None:
    """Wait until the process has taken all that was told before."""
    page.say(sentence)
    # Who is told too much at once gets all of it in a picture.
    peer.until(None, lambda told: told.get("sentence") == sentence or sentence in told.get("said", ()))


def melody_of(data: bytes) -> list[int]:
    file = mido.MidiFile(file=io.BytesIO(data))
    assert [track.name for track in file.tracks[1:]] == ["Melody", "Chords"]
    return [message.note for message in file.tracks[1] if message.type == "note_on"]


def test_it_serves_its_own_files_and_the_music(page: PageTap) -> None:
    port = port_of(page)
    status, content, headers = get(port, "/")
    assert (status, headers["content-type"]) == (200, "text/html; charset=utf-8") and b"<html" in content
    assert get(port, "/static/main.js")[0] == 200
    assert get(port, "/static/../server.py")[0] == get(port, "/static/%2e%2e/server.py")[0] == 404
    assert get(port, "/session.mid")[0] == get(port, "/bars.mid")[0] == 204
    for bar in range(20):
        play_bar(page, bar)
    with closing(Peer(port)) as peer:
        catch_up(page, peer)
        status, content, headers = get(port, "/session.mid")
        assert status == 200 and len(melody_of(content)) == 80
        assert headers["content-type"] == "audio/midi" and 'filename="gapt-' in headers["content-disposition"]
        assert len(melody_of(get(port, "/bars.mid")[1])) == 64
        assert len(melody_of(get(port, "/bars.mid?bars=3")[1])) == 12
        assert {get(port, f"/bars.mid?bars={no}")[0] for no in ("0", "-1", "x", "1e3", "99999999999", "%C2%B2")} == {
            400
        }


def test_what_left_is_told_and_what_came_before_is_in_hello(page: PageTap) -> None:
    play_bar(page)
    with closing(Peer(port_of(page))) as peer:
        early = peer.hello["history"]
        catch_up(page, peer, "Hears the keyboard.")
        page.send(PlanShown(4.0, (PlannedChord(8.0, 4.0, "A:min7", (45,), False),)), 102.0, 4.0)
        plan = peer.next("plan")
        assert plan["chords"][0]["symbol"] == "Am7" and plan["seconds"] == 102.0
        page.send(ParameterChanged(4.0, "velocity", 90), 102.0, 4.0)
        assert peer.next("parameter") == {"type": "parameter", "name": "velocity", "value": 90, "seconds": 102.0}
    with closing(Peer(port_of(page))) as later:
        history = later.hello["history"]
        assert early == history[: len(early)] and sum(told["type"] == "note" for told in history) == 8
        assert later.hello["plan"]["chords"] == plan["chords"] and later.hello["values"]["velocity"] == 90
        assert later.hello["said"] == ["Hears the keyboard."]


def test_a_setting_goes_into_the_session_with_its_time(page: PageTap) -> None:
    came: list[object] = []
    news = threading.Event()

    def inbox(event: object) -> None:
        came.append(event)
        news.set()

    before = MonotonicClock().now()
    page.start(inbox)
    with closing(Peer(port_of(page))) as peer:
        peer.ask("velocity", 90.4)
        assert news.wait(PATIENCE)
        (event,) = came
        assert isinstance(event, Set) and (event.name, event.value) == ("velocity", 90)
        assert before <= event.seconds <= MonotonicClock().now()
        page.close()
        peer.ask("velocity", 91)
        peer.ask("nothing", 1)
        assert peer.next("refused")["name"] == "nothing"
    assert len(came) == 1


def test_a_name_that_is_no_text_keeps_nobody_out(page: PageTap) -> None:
    page.record(Path("t\udcffke.mid"))
    page.send(ParameterChanged(0.0, "preset", "/home/\udcff/näher"), 1.0, 0.0)
    with closing(Peer(port_of(page))) as peer:
        catch_up(page, peer, "The take is in t\udcffke.mid.")
    with closing(Peer(port_of(page))) as later:
        assert later.hello["recording"] == "t\udcffke.mid"
        assert later.hello["values"]["preset"] == "/home/\udcff/näher"


def test_a_ping_is_answered_by_the_sessions_clock(page: PageTap) -> None:
    clock = MonotonicClock()
    with closing(Peer(port_of(page))) as peer:
        before = clock.now()
        peer.socket.send('{"type":"ping","client":123.5}')
        pong = peer.next("pong")
        assert pong["client"] == 123.5 and before <= pong["seconds"] <= clock.now()


@pytest.mark.parametrize("origin", [None, "http://evil.example", "http://localhost:9180", "null"])
def test_a_page_from_elsewhere_cannot_come_in(page: PageTap, origin: str | None) -> None:
    with pytest.raises(InvalidStatus) as refusal:
        Peer(port_of(page), origin=origin)
    assert refusal.value.response.status_code == 403


def test_a_name_that_somebody_points_here_is_refused(page: PageTap) -> None:
    port = port_of(page)
    assert get(port, "/", Host=f"evil.example:{port}")[0] == 421
    assert get(port, "/session.mid", Host="evil.example")[0] == 421
    assert get(port, "/", Host=f"localhost:{port}")[0] == 200
    evil = f"http://evil.example:{port}"
    with pytest.raises(InvalidStatus):
        Peer(port, origin=evil, additional_headers={"Host": f"evil.example:{port}"})


@pytest.mark.skipif(is_loopback(OUTWARD), reason="this computer has no network")
def test_another_device_comes_in_once_by_its_link() -> None:
    told = Told()
    with open_page(told, "0.0.0.0") as page:
        port = port_of(page)
        link = told.next().rpartition(" ")[2]
        assert link.startswith(f"http://{OUTWARD}:{port}/?token=")
        assert len(told.pictures.get(timeout=PATIENCE).splitlines()) > 10
        assert get(port, "/", OUTWARD)[0] == get(port, "/session.mid", OUTWARD)[0] == 403
        assert get(port, "/", OUTWARD, **{"X-Forwarded-For": "127.0.0.1"})[0] == 403
        with pytest.raises(InvalidStatus):
            Peer(port, OUTWARD)
        query = link[link.index("/?") :]
        status, _, headers = get(port, query, OUTWARD)
        cookie = headers["set-cookie"].partition(";")[0]
        assert status == 200 and get(port, query, OUTWARD)[0] == 403
        assert told.next().rpartition(" ")[2] != link
        with closing(Peer(port, OUTWARD, additional_headers={"Cookie": cookie})) as peer:
            kill(page)
            with pytest.raises(ConnectionClosed):
                peer.next("nothing")
        with closing(again(port, OUTWARD, additional_headers={"Cookie": cookie})):
            assert get(port, query, OUTWARD)[0] == 403
        with closing(Peer(port)):
            assert get(port, "/")[0] == 200


@pytest.mark.skipif(is_loopback(OUTWARD), reason="this computer has no network")
def test_where_this_computer_needs_a_link_it_is_told_a_good_one_and_no_browser_uses_it_up(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    said, opened = list[str](), list[str]()
    terminal = io.StringIO()
    monkeypatch.setattr(terminal, "isatty", lambda: True)
    monkeypatch.setattr("sys.stdout", terminal)
    monkeypatch.setenv("DISPLAY", ":0")
    monkeypatch.setattr("webbrowser.open", opened.append)
    with open_beside_a_jam(PageChoice(OUTWARD, 0, None), Settings(), said.append) as page:
        assert page is not None
        for browser in (thread for thread in threading.enumerate() if thread.name == "browser"):
            browser.join()
        told, hint = said[-2:]
        link = told.removeprefix("The page is at ")
        assert get(int(link.split(":")[2].partition("/")[0]), link[link.index("/?") :], OUTWARD)[0] == 200
        assert hint.startswith("This computer comes in by such a link, too") and not opened


def test_its_death_is_healed_and_nothing_is_forgotten(page: PageTap) -> None:
    port, pid = port_of(page), page.pid
    play_bar(page)
    page.send(ParameterChanged(4.0, "velocity", 90), 102.0, 4.0)
    page.record(None)
    with closing(Peer(port)) as peer:
        session = peer.hello["session"]
        catch_up(page, peer)
        before = Peer(port)
        before.close()
        kill(page)
        with pytest.raises(ConnectionClosed):
            peer.next("nothing")
    play_bar(page, 1)
    with closing(again(port)) as peer:
        catch_up(page, peer)
    with closing(Peer(port)) as peer:
        assert page.pid != pid and page.restarts == 1
        assert peer.hello["session"] == session and peer.hello["values"]["velocity"] == 90
        assert sum(told["type"] == "note" for told in peer.hello["history"]) == 16
        assert peer.hello["history"][: len(before.hello["history"])] == before.hello["history"]
        assert len(melody_of(get(port, "/session.mid")[1])) == 8


@pytest.mark.skipif(not hasattr(signal, "SIGSTOP"), reason="no process can be held here")
def test_while_it_stands_still_nothing_waits_and_nothing_played_is_lost(page: PageTap) -> None:
    port = port_of(page)
    os.kill(page.pid, signal.SIGSTOP)
    for bar in range(500):
        play_bar(page, bar)
    page.send(ParameterChanged(0.0, "velocity", 91), 1.0, 0.0)
    os.kill(page.pid, signal.SIGCONT)
    with closing(Peer(port)) as peer:
        catch_up(page, peer)
        assert len(melody_of(get(port, "/session.mid")[1])) == 2000
    with closing(Peer(port)) as peer:
        assert peer.hello["values"]["velocity"] == 91
    assert page.restarts == 0


def test_garbage_floods_and_giants_harm_nobody(page: PageTap) -> None:
    port = port_of(page)
    with closing(Peer(port)) as good:
        with closing(Peer(port)) as bad:
            for nonsense in ("", "[" * 4000, b"\x00\xff", '{"type":"set","name":"velocity","value":{}}', "null"):
                bad.socket.send(nonsense)
                assert bad.next("refused")["sentence"]
            bad.socket.send("x" * 5000)
            with pytest.raises(ConnectionClosed) as closed:
                bad.next("nothing")
            assert closed.value.rcvd is not None and closed.value.rcvd.code == 1009
        with socket.create_connection(("127.0.0.1", port)) as raw:
            raw.sendall(b"\x00\xff" * 1000 + b"\r\n\r\n")
            while raw.recv(4096):
                pass
        with closing(Peer(port)) as flood:
            for i in range(200):
                flood.socket.send(json.dumps({"type": "ping", "client": i}))
            good.socket.send('{"type":"ping","client":7}')
            assert good.next("pong")["client"] == 7
    assert page.restarts == 0


def test_there_may_be_so_many_pages_and_no_more(page: PageTap) -> None:
    port = port_of(page)
    peers = [Peer(port) for _ in range(MOST_CLIENTS)]
    with pytest.raises(ConnectionClosed) as closed:
        Peer(port)
    assert closed.value.rcvd is not None and closed.value.rcvd.code == 1013
    for peer in peers:
        peer.close()


def test_whoever_reads_slowly_gets_the_picture_anew_and_holds_up_nobody(page: PageTap) -> None:
    port = port_of(page)
    with closing(Peer(port, sock=narrow_socket(port), max_queue=1)) as slow, closing(Peer(port)) as quick:
        for i in range(600):
            page.say(f"{i} " + "x" * 20_000)
            # The one who reads is told all of it, while the other one reads nothing.
            assert quick.next("said")["sentence"].startswith(f"{i} ")
        hello = slow.next("hello")
        assert hello["said"][-1].startswith("599 ")
        page.say("The end.")
        assert slow.next("said")["sentence"] == "The end."


def test_the_end_is_told_and_the_session_can_be_fetched_then() -> None:
    with open_page() as page:
        port = port_of(page)
        play_bar(page)
        with closing(Peer(port)) as one, closing(Peer(port)) as other:
            catch_up(page, one)
            ending = threading.Thread(target=page.end)
            ending.start()
            for peer in (one, other):
                peer.next("ended")
                assert len(melody_of(get(port, "/session.mid")[1])) == 4
            ending.join()
            with pytest.raises(ConnectionClosed):
                one.next("nothing")
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", port))


def test_a_port_that_is_taken_is_said_in_a_sentence() -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        with pytest.raises(BridgeError, match=f"TCP port {port}.*--page-port"):
            PageTap(MonotonicClock(), PageChoice(port=port), values_of(Settings()), lambda sentence: None)


def test_an_address_that_is_not_ours_is_said_in_a_sentence() -> None:
    with pytest.raises(BridgeError, match=r"on 203\.0\.113\.1 \([^()]+\): .*address of this computer"):
        PageTap(MonotonicClock(), PageChoice("203.0.113.1", 0), values_of(Settings()), lambda sentence: None)


def test_a_port_that_the_system_keeps_is_said_in_a_sentence() -> None:
    error = PermissionError(errno.EACCES, "Permission denied (while attempting to bind on address ('127.0.0.1', 80))")
    sentence = refusal({"host": "127.0.0.1", "port": 80}, error)
    assert "TCP port 80" in sentence and "--page-port" in sentence and "address" not in sentence


def test_what_was_refused_at_first_is_not_tried_again(caplog: pytest.LogCaptureFixture) -> None:
    class Slow(PageTap):
        def _wait_served(self) -> str:
            failure = super()._wait_served()
            reading = [thread for thread in threading.enumerate() if thread.name == "page in"]
            for thread in reading:
                thread.join(PATIENCE)
            assert not any(thread.is_alive() for thread in reading)
            return failure

    with pytest.raises(BridgeError, match="address of this computer"):
        Slow(MonotonicClock(), PageChoice("203.0.113.1", 0), values_of(Settings()), lambda sentence: None)
    assert not caplog.records


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        ("bridge.live.jam, bridge.live.page, bridge.commands.jam", "starlette uvicorn segno websockets"),
        ("bridge.page.process", "torch numba rtmidi pythonosc"),
    ],
)
def test_the_jam_imports_nothing_of_the_web_and_the_page_nothing_of_the_nets(ours: str, theirs: str) -> None:
    code = f"import sys, {ours}; assert not set('{theirs}'.split()) & set(sys.modules), sorted(sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)
