"""Which of our files go where in each host: the table behind `gapt daw`.

The folders are the usual ones, as the hosts' own pages give them: Max's user guide («Packages»), Live's help centre
(«The User Library»), Pd's manual (chapter 4, externals), REAPER's *Show REAPER resource path*, Ardour's manual («Lua
Scripting»), Bitwig's *Settings > Locations*. TouchOSC and Open Stage Control open a file from anywhere.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from plugin_host.daw.places import SystemName
from plugin_host.errors import HostError

OURS = Path(__file__).parent

ANY_VERSION = "[0-9]*"
"""In a pattern: the host has a folder a version."""


@dataclass(frozen=True, slots=True)
class Part:
    """Files that go into one folder.

    Attributes:
        what: what they are, for people.
        files: patterns below our own folder of the host.
        folder: below the host's own.
    """

    what: str
    files: tuple[str, ...]
    folder: str


@dataclass(frozen=True, slots=True)
class Host:
    """A host and what goes into it.

    Attributes:
        title: how it calls itself.
        ours: our folder with its files.
        folder: what its own folder holds or is called, and where it says where that is.
        bases: that folder on each system, as patterns; none where the host does not run.
        after: what to do then, one sentence.
        creates: whether the folder may be made where it is not there.
        aliases: what people call it besides.
    """

    name: str
    title: str
    ours: str
    folder: str
    bases: Mapping[SystemName, tuple[str, ...]]
    parts: tuple[Part, ...]
    after: str
    creates: bool = False
    aliases: tuple[str, ...] = ()

    def files(self, part: Part) -> list[Path]:
        """Our files of `part`, in order."""
        return sorted({path for pattern in part.files for path in (OURS / self.ours).glob(pattern)})


_DOCUMENTS: Mapping[SystemName, tuple[str, ...]] = {
    "macos": ("{documents}/GAPT Bridge",),
    "windows": ("{documents}/GAPT Bridge",),
    "linux": ("{documents}/GAPT Bridge",),
}

HOSTS: Mapping[str, Host] = {
    host.name: host
    for host in (
        Host(
            name="max",
            title="Max",
            ours="max",
            folder="its folder, such as “Max 9”",
            bases={"macos": ("{documents}/Max [0-9]*",), "windows": ("{documents}/Max [0-9]*",)},
            parts=(
                Part("the object [gapt]", ("*.maxpat",), "Packages/GAPT Bridge/patchers"),
                Part("its help patch", ("*.maxhelp",), "Packages/GAPT Bridge/help"),
            ),
            after="Start Max again and open the help patch gapt.maxhelp, or type [gapt] into any patch.",
        ),
        Host(
            name="live",
            title="Live",
            ours="live",
            folder="its User Library (Live: Settings > Library)",
            bases={
                "macos": ("{home}/Music/Ableton/User Library",),
                "windows": ("{documents}/Ableton/User Library",),
            },
            parts=(Part("the Max for Live device GAPT", ("*.amxd",), "Presets/MIDI Effects/Max MIDI Effect"),),
            after="Drag GAPT from User Library > Presets > MIDI Effects > Max MIDI Effect onto your melody's track.",
            aliases=("ableton", "m4l", "max-for-live"),
        ),
        Host(
            name="pd",
            title="Pure Data",
            ours="pd",
            folder="externals (Pd: Preferences > Path)",
            bases={
                "macos": ("{home}/Library/Pd",),
                "windows": ("{roaming}/Pd",),
                "linux": ("{home}/.local/lib/pd/extra",),
            },
            parts=(Part("the object [gapt] and its help patch", ("*.pd",), "gapt"),),
            after="Type [gapt] into any patch; a right click on it and Help open gapt-help.pd.",
            creates=True,
            aliases=("puredata", "pure-data"),
        ),
        Host(
            name="reaper",
            title="REAPER",
            ours="reaper",
            folder="its resources (REAPER: Options > Show REAPER resource path)",
            bases={
                "macos": ("{home}/Library/Application Support/REAPER",),
                "windows": ("{roaming}/REAPER",),
                "linux": ("{config}/REAPER",),
            },
            parts=(
                Part("the pattern file that tells its transport", ("*.ReaperOSC",), "OSC"),
                Part("a script that joins a track to the bridge", ("*.lua",), "Scripts"),
                Part("an effect that shows bars and ends notes", ("*.jsfx",), "Effects/GAPT Bridge"),
            ),
            after="In Preferences > Control/OSC/web add OSC with the pattern config GAPT, "
            "and load the script by Actions > Show action list > New action > Load ReaScript.",
        ),
        Host(
            name="ardour",
            title="Ardour",
            ours="ardour",
            folder="its configuration, such as ardour8",
            bases={
                "macos": ("{home}/Library/Preferences/Ardour[0-9]*",),
                "windows": ("{local}/ardour[0-9]*",),
                "linux": ("{config}/ardour[0-9]*",),
            },
            parts=(Part("scripts that join the tracks and tell the transport", ("*.lua",), "scripts"),),
            after="In Edit > Lua Scripts > Script Manager add “GAPT tracks” as an action script and “GAPT transport” "
            "as an action hook.",
        ),
        Host(
            name="bitwig",
            title="Bitwig Studio",
            ours="bitwig",
            folder="controller scripts (Bitwig: Settings > Locations)",
            bases={
                "macos": ("{documents}/Bitwig Studio/Controller Scripts",),
                "windows": ("{documents}/Bitwig Studio/Controller Scripts",),
                "linux": ("{home}/Bitwig Studio/Controller Scripts",),
            },
            parts=(Part("a controller script", ("*.control.js",), "GAPT Bridge"),),
            after="In Settings > Controllers add GAPT > GAPT Bridge, with “GAPT Bridge out” as its input.",
        ),
        Host(
            name="touchosc",
            title="TouchOSC",
            ours="touchosc",
            folder="layouts",
            bases=_DOCUMENTS,
            parts=(Part("a layout with the main controls", ("*.tosc",), "TouchOSC"),),
            after="Open it in TouchOSC; its connection is UDP to this computer, send port 9100, receive port 9101.",
            creates=True,
        ),
        Host(
            name="open-stage-control",
            title="Open Stage Control",
            ours="open-stage-control",
            folder="sessions",
            bases=_DOCUMENTS,
            parts=(Part("a session with the main controls", ("*.json",), "Open Stage Control"),),
            after="In its launcher set “send” to 127.0.0.1:9100, “osc-port” to 9101 and “load” to this file.",
            creates=True,
            aliases=("openstagecontrol",),
        ),
    )
}


def host_of(name: str) -> Host:
    """The host of that name, or that people call so.

    Raises:
        HostError: there is none; the sentence lists what there is.
    """
    wanted = name.strip().lower()
    for host in HOSTS.values():
        if wanted in (host.name, *host.aliases):
            return host
    raise HostError(
        f"There is no part for “{name}”: there are {', '.join(HOSTS)}; with any other, "
        "MIDI ports do (docs/hosts/keyboard.md)."
    )
