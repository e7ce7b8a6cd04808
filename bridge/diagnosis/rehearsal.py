"""A rehearsal with a host: a phrase through the bridge and back, then what the host itself sends, in words.

The phrase goes the way that the host's own part goes, by OSC or by MIDI ports, so what it does not find is not the
host's fault. What only the host can send is listened for while somebody plays there.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

from bridge.controls.parameters import PARAMETERS
from bridge.controls.settings import Settings
from bridge.diagnosis.caller import GREETING_SECONDS, STEP_SECONDS, Caller, Came, MidiCaller
from bridge.diagnosis.findings import Finding
from bridge.diagnosis.live_player import play
from bridge.diagnosis.meetings import ASK_BY_PORTS, BY_PORTS, NO_CHORDS, Meeting, Thing
from bridge.diagnosis.own_bridge import own_bridge
from bridge.diagnosis.ports import is_free
from bridge.errors import BridgeError
from bridge.live.jam import Hire
from bridge.live.letters import pitch_name
from bridge.ports.choice import PortChoice
from bridge.ports.midi_drivers import load_driver
from bridge.ports.midi_names import VIRTUAL_IN
from bridge.ports.osc.choice import LOOPBACK, Endpoint, OscChoice
from bridge.ports.osc.holder import holder
from bridge.sync.words import FINDING_TEMPO, FIRST_NOTE, OWN_TEMPO

PHRASE_BARS = 2

SETTLED_SECONDS = 2.0
"""How long a host's tempo is watched before it is told: at first it is a guess."""

_PARAMETERS = {parameter.address: name for name, parameter in PARAMETERS.items()}

Say = Callable[[str], None]
Clients = Callable[[], list[Endpoint]]


@dataclass(frozen=True, slots=True)
class Plan:
    """What to rehearse.

    Attributes:
        title: the host's name for people.
        port: the UDP port that the bridge hears.
        midi_in: a part of the name of the MIDI port that the bridge hears; empty is the bridge's own.
        midi_out: likewise of the port that it plays to.
        seconds: how long to listen to the host.
        bpm: how fast the phrase is, and a bridge of our own.
        listen: the address that a bridge of our own listens on.
    """

    title: str
    meeting: Meeting
    port: int
    midi_in: str = ""
    midi_out: str = ""
    seconds: float = 30.0
    bpm: float = 120.0
    listen: str = LOOPBACK


def by_ports(meeting: Meeting) -> Meeting:
    """The same host, but with its notes by MIDI ports."""
    expects = tuple(thing for thing in meeting.expects if thing != "client")
    checks = {**meeting.checks, **BY_PORTS}
    return replace(meeting, midi=True, expects=expects, ask=ASK_BY_PORTS, checks=checks, reply=None)


def rehearse(plan: Plan, settings: Settings, hire: Hire, say: Say) -> Iterator[Finding]:
    """What arrives and what does not, as it is found out.

    Args:
        settings: how a bridge of our own plays, where none is running.
        hire: gets its accompanist.
        say: told in sentences what goes on, and what to do in the host.

    Raises:
        GaptError: a port cannot be had, or the accompanist cannot start.
    """
    with contextlib.ExitStack() as stack:
        clients: Clients | None = None
        if is_free(plan.port):
            _see_that_nobody_has_our_ports(plan)
            yield from _held(plan)
            say("No bridge is running: one of our own plays for this test. The policy gets ready.")
            own = stack.enter_context(own_bridge(_to_begin(settings, plan), _ports(plan), hire))
            clients = own.clients
        caller = stack.enter_context(contextlib.closing(_caller(plan)))
        if not caller.greet(plan.port):
            raise BridgeError(
                f"UDP port {plan.port} is held by {holder(plan.port) or 'another program'}, which is no bridge: "
                "end it, or name the bridge's port with --osc-in."
            )
        where = "of our own" if clients else "that is running"
        yield Finding("bridge", "ok", f"one {where} answers on UDP port {plan.port}")
        yield from _Phrase(plan, caller, own=clients is not None).findings(say)
        if plan.seconds:
            say(f"Now you: {plan.meeting.ask} (Listens for {plan.seconds:g} seconds; Ctrl-C ends.)")
            yield from _Listening(plan, caller, clients).findings()


def _see_that_nobody_has_our_ports(plan: Plan) -> None:
    """A second bridge would offer MIDI ports of the same names, and the phrase might go to either.

    Raises:
        BridgeError: there is one already that cannot be asked, or this machine has no MIDI.
    """
    if not plan.meeting.midi or plan.midi_in:
        return
    if any(VIRTUAL_IN in name for name in load_driver().outputs()):
        raise BridgeError(
            f"A bridge that is running has the MIDI port “{VIRTUAL_IN}” and does not answer on UDP port {plan.port}: "
            "start it without --no-osc, or name its port with --osc-in."
        )


def _held(plan: Plan) -> Iterator[Finding]:
    """Who else has the port that a bridge of our own needs."""
    needed = plan.meeting.needs
    if needed is not None and not is_free(needed):
        text = f"held by {holder(needed) or 'another program'}, so that {plan.title} is not heard by OSC"
        yield Finding(f"UDP {needed}", "warn", text, "end that, and test again.")


def _to_begin(settings: Settings, plan: Plan) -> Settings:
    return replace(settings, sync="internal", entry="free", tempo=plan.bpm)


def _ports(plan: Plan) -> PortChoice:
    meeting = plan.meeting
    reply = (LOOPBACK, meeting.reply) if meeting.reply else None
    # Nobody is sent to unasked, so that a client that asks is seen.
    osc = OscChoice(plan.listen, plan.port, out=None, reply=reply, query_port=None, announce=False)
    if not meeting.midi:
        return PortChoice(midi_in=None, midi_out=None, osc=osc)
    return PortChoice(midi_in=plan.midi_in, midi_out=plan.midi_out, osc=osc)


def _caller(plan: Plan) -> Caller:
    return MidiCaller(load_driver(), plan.midi_in, plan.midi_out) if plan.meeting.midi else Caller()


class _Phrase:
    """The bridge's side: a phrase played to it, and its chords."""

    def __init__(self, plan: Plan, caller: Caller, own: bool) -> None:
        self._caller = caller
        self._own = own
        self._bpm = plan.bpm
        self._way = "by MIDI" if plan.meeting.midi else "by OSC"

    def findings(self, say: Say) -> Iterator[Finding]:
        """Play, unless the bridge waits for somebody else; leave it as it was found."""
        status = self._caller.wait_for("/gapt/status", GREETING_SECONDS)
        playing, sync = (status.arguments[0] == "playing", str(status.arguments[9])) if status else (False, "")
        if not (playing or sync.startswith(OWN_TEMPO) or sync.endswith(FIRST_NOTE)):
            yield Finding("phrase", "warn", f"not played, for the bridge waits: {sync}", "press play there.")
            return
        say(f"A phrase goes to the bridge, {self._way}.")
        if not playing and not sync.endswith(FIRST_NOTE):
            self._caller.say("/gapt/start")
        play(self._caller, self._bpm, PHRASE_BARS)
        yield from self._found(list(self._caller.news()))
        if not playing:
            self._make_ready()

    def _found(self, news: list[Came]) -> Iterator[Finding]:
        sent = len(self._caller.sent)
        heard = min(sent, sum(came.address == "/gapt/melody" and bool(came.arguments[1]) for came in news))
        text = f"the bridge heard {heard} of {sent} notes, {self._way}"
        advice = "its split, its channels and --in say which notes are melody." if heard < sent else ""
        yield Finding("phrase", "fail" if not heard else "warn" if advice else "ok", text, advice)
        chords = [came for came in news if came.address == "/gapt/chord" and len(came.arguments) > 2]
        if not chords:
            yield Finding("chords", "fail", "none came back", "see that bypass is off, and what `gapt doctor` says.")
            return
        after = min(self._after_a_note(chord) for chord in chords)
        text = f"{len(chords)} came back, first {chords[0].arguments[0]}; the quickest {after:.0f} ms after a note"
        if isinstance(self._caller, MidiCaller):
            if not self._caller.struck:
                yield Finding("chords", "fail", f"{text}, but no note of them by MIDI", "name the port with --out.")
                return
            text += f", with {len(self._caller.struck)} notes by MIDI"
        yield Finding("chords", "ok", text)

    def _after_a_note(self, chord: Came) -> float:
        """Milliseconds from the newest note that left before `chord` came."""
        return 1000.0 * (chord.seconds - max((s for s in self._caller.sent if s <= chord.seconds), default=0.0))

    def _make_ready(self) -> None:
        """Let it stand again and wait for a first note, as only a change of source makes it do."""
        self._caller.say("/gapt/stop")
        if not self._own:
            self._caller.say("/gapt/sync")
        asked = None if self._own else self._caller.wait_for("/gapt/sync", GREETING_SECONDS)
        for source in ("osc", "auto" if asked is None else str(asked.arguments[0])):
            self._caller.say("/gapt/sync", source)
            self._caller.wait_for("/gapt/sync", GREETING_SECONDS)


class _Listening:
    """The host's side: what it sends while somebody plays there."""

    def __init__(self, plan: Plan, caller: Caller, clients: Clients | None) -> None:
        self._plan = plan
        self._caller = caller
        self._clients = clients
        self._known = set(clients()) if clients else set()
        expects = plan.meeting.expects
        self._missing: list[Thing] = [thing for thing in expects if thing != "client" or clients is not None]
        self._notes = 0
        self._halfway = ""  # what was said of a transport whose tempo is not known yet
        self._ruled: float | None = None  # when it was first heard with one

    def findings(self) -> Iterator[Finding]:
        """Each as it arrives, and in the end what did not; ends when all has arrived."""
        deadline = self._caller.now() + self._plan.seconds
        with contextlib.suppress(KeyboardInterrupt):
            while self._missing and self._caller.now() < deadline:
                self._caller.hear_until(min(deadline, self._caller.now() + STEP_SECONDS))
                yield from self._look()
        yield from self._not_found()

    def _look(self) -> Iterator[Finding]:
        if self._clients and set(self._clients()) - self._known:
            yield from self._arrived("client", f"a part of ours in {self._plan.title} has said hello")
        for came in self._caller.news():
            thing, text = self._meaning(came)
            if thing is not None:
                yield from self._arrived(thing, text)

    def _meaning(self, came: Came) -> tuple[Thing | None, str]:
        """What a message says of the host, in words."""
        arguments = came.arguments
        if came.address == "/gapt/status" and arguments[0] == "playing":
            return self._transport(came)
        if came.address == "/gapt/melody" and arguments[1]:
            self._notes += 1
            return "notes", f"{pitch_name(int(str(arguments[0])))} was heard"
        if came.address == "/gapt/chord" and len(arguments) > 2 and self._notes:
            way = "the port “GAPT Bridge out”" if self._plan.meeting.midi else "OSC"
            return "chords", f"{arguments[0]} went back by {way}"
        if came.address in _PARAMETERS and arguments:
            return "control", f"{_PARAMETERS[came.address]} is now {arguments[0]}"
        return None, ""

    def _transport(self, status: Came) -> tuple[Thing | None, str]:
        bpm, bar, sentence = float(str(status.arguments[1])), status.arguments[2], str(status.arguments[9])
        if sentence.startswith(OWN_TEMPO):
            return None, ""
        self._halfway = sentence
        if sentence.endswith(FINDING_TEMPO):
            return None, ""
        self._ruled = self._ruled or status.seconds
        settled = status.seconds - self._ruled >= SETTLED_SECONDS
        return ("transport" if settled else None), f"{sentence.partition(':')[0]}: {bpm:.1f} bpm, bar {bar}"

    def _arrived(self, thing: Thing, text: str) -> Iterator[Finding]:
        if thing in self._missing:
            self._missing.remove(thing)
            yield Finding(thing, "ok", text)

    def _not_found(self) -> Iterator[Finding]:
        for thing in self._missing:
            if thing == "transport" and self._halfway:
                yield Finding(thing, "warn", self._halfway, "let it play on for some bars.")
            elif thing != "chords":
                yield Finding(thing, "fail", _NOTHING[thing].format(self._plan.title), self._plan.meeting.checks[thing])
            elif self._notes:  # without a note there is nothing to answer
                yield Finding(thing, "fail", "none went back", NO_CHORDS)


_NOTHING: dict[Thing, str] = {
    "client": "no part of ours in {} has said hello",
    "transport": "nothing said that {} plays",
    "notes": "no note came from {}",
    "control": "no control was moved in {}",
}
