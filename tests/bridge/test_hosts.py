"""The ports of hosts come and go with what is chosen."""

from __future__ import annotations

import sys
from dataclasses import replace

import pytest

from bridge.controls.parameters import SYNCS
from bridge.controls.settings import Settings
from bridge.errors import BridgeError
from bridge.events import InEvent
from bridge.live import hosts
from bridge.live.hosts import OPENERS, HostPorts
from bridge.ports.memory import MemoryInPort
from bridge.seams import Clock, InPort
from bridge.timing.clock import ManualClock


class Desk:
    """Settings that somebody changes, and the ports opened for them."""

    def __init__(self, patch: pytest.MonkeyPatch) -> None:
        self.settings = Settings(sync="internal")
        self.opened: list[tuple[str, MemoryInPort]] = []
        self.told: list[str] = []
        self.events: list[InEvent] = []
        patch.setattr(hosts, "OPENERS", {name: (self.opener(name),) for name in ("ableton", "link")})
        self.ports = HostPorts(ManualClock(), lambda: self.settings, self.told.append)

    def opener(self, name: str) -> hosts.Opener:
        def open_port(clock: Clock, now: hosts.Now) -> InPort:
            self.opened.append((name, MemoryInPort()))
            return self.opened[-1][1]

        return open_port

    def live(self) -> list[str]:
        return [name for name, port in self.opened if port._inbox is not None]


def test_every_opener_is_a_source() -> None:
    assert set(OPENERS) < set(SYNCS)


def test_ports_follow_what_is_chosen(monkeypatch: pytest.MonkeyPatch) -> None:
    desk = Desk(monkeypatch)
    desk.ports.start(desk.events.append)
    assert desk.live() == []
    desk.settings = replace(desk.settings, sync="ableton")
    desk.ports.tend()
    desk.ports.tend()
    assert desk.live() == ["ableton"]
    desk.settings = replace(desk.settings, link_start_stop=True)
    desk.ports.tend()
    assert len(desk.opened) == 1, "what is for Link alone greets no other host anew"
    desk.settings = replace(desk.settings, link_start_stop=False)
    desk.settings = replace(desk.settings, sync="link")
    desk.ports.tend()
    assert desk.live() == ["link"]
    desk.settings = replace(desk.settings, link_start_stop=True)
    desk.ports.tend()
    assert (desk.live(), len(desk.opened)) == (["link"], 3)
    desk.ports.close()
    assert desk.live() == []


def test_a_source_that_cannot_be_had_is_said_once_and_the_others_are_opened(monkeypatch: pytest.MonkeyPatch) -> None:
    desk = Desk(monkeypatch)

    def refuse(clock: Clock, now: hosts.Now) -> InPort:
        raise BridgeError("not here.")

    monkeypatch.setattr(hosts, "OPENERS", {"link": (refuse, desk.opener("link"))})
    desk.ports.start(desk.events.append)
    desk.settings = replace(desk.settings, sync="link")
    desk.ports.tend()
    desk.ports.tend()
    assert desk.told == ["not here."]
    assert desk.live() == ["link"]


def test_a_source_that_cannot_be_had_from_the_first_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "aalink", None)
    desk = HostPorts(ManualClock(), lambda: Settings(sync="link"), lambda sentence: None)
    with pytest.raises(BridgeError, match=r"pip install 'gapt-bridge\[link\]'"):
        desk.start(lambda event: None)
    desk.close()
