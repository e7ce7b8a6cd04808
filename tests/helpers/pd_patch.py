"""Pure Data without a window, playing a patch of ours, and what goes in and comes out of it."""

from __future__ import annotations

import re
import shutil
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

PD = shutil.which("pd")
PATCHES = Path(__file__).parents[2] / "plugin_host" / "daw" / "pd"
PATIENCE = 60.0

QUIET = ("-nogui", "-noaudio", "-nomidi", "-sleepgrain", "0.5", "-stderr")

AROUND = r"""#N canvas 0 0 600 300 12;
#X obj 20 45 gapt {arguments};
#X obj 20 85 list prepend notes;
#X obj 120 85 list prepend chord;
#X obj 220 85 list prepend plan;
#X obj 320 85 list prepend values;
#X obj 20 115 list prepend send;
#X obj 20 145 list trim;
#X obj 20 175 netsend -u;
#X obj 420 85 loadbang;
#X msg 420 115 connect 127.0.0.1 {port} \, send ready;
#X connect 0 0 1 0;
#X connect 0 1 2 0;
#X connect 0 2 3 0;
#X connect 0 3 4 0;
#X connect 1 0 5 0;
#X connect 2 0 5 0;
#X connect 3 0 5 0;
#X connect 4 0 5 0;
#X connect 5 0 6 0;
#X connect 6 0 7 0;
#X connect 7 1 0 0;
#X connect 8 0 9 0;
#X connect 9 0 7 0;
"""
"""A patch that tells every outlet of [gapt] in Pd's own text over UDP, and takes messages for its inlet so."""


class Patch:
    """A [gapt] in a running Pd. An outlet's name is `notes`, `chord`, `plan` or `values`."""

    def __init__(self, told: socket.socket, pd: tuple[str, int]) -> None:
        self._told = told
        self._pd = pd

    def put(self, message: str) -> None:
        """Send `message` into the inlet."""
        self._told.sendto(f"{message};\n".encode(), self._pd)

    def messages(self) -> Iterator[list[str]]:
        """Whatever comes out, in words: first the outlet, then the message."""
        while True:
            yield from heard(self._told.recv(4096))

    def next(self, outlet: str, begins: str = "") -> list[str]:
        """The next message of `outlet` whose first word is `begins`, in words; what came before it is forgotten."""
        for name, *words in self.messages():
            if name == outlet and (not begins or words[0] == begins):
                return words
        raise AssertionError("unreachable")


def heard(datagram: bytes) -> list[list[str]]:
    """Messages of Pd's text, in words, without its escapes."""
    messages = re.findall(r"((?:[^;\\]|\\.)*);\n", datagram.decode())
    return [[re.sub(r"\\(.)", r"\1", word) for word in re.split(r"(?<!\\) ", text)] for text in messages]


def errors(patch: Path) -> list[str]:
    """What Pd complains of while it loads `patch` and quits."""
    command = [str(PD), *QUIET, "-send", "pd quit", str(patch)]
    said = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE, check=False).stderr
    return [line for line in said.splitlines() if "error" in line or "couldn't" in line]


def pressable(text: str, arguments: str) -> tuple[str, list[str]]:
    """A patch whose `gapt` gets `arguments`, and whose messages can be pressed by name; the texts by these names.

    `press-0` is the receiver of the first message on the patch itself, and so on.
    """
    count, depth, messages, boxes = 0, 0, [], []
    for line in text.splitlines():
        if line.startswith("#N canvas"):
            depth += 1
            continue
        depth -= line.startswith("#X restore")
        if depth == 1 and not line.startswith("#X connect"):
            if line.startswith("#X msg"):
                messages.append(line.split(" ", 4)[4].removesuffix(";"))
                boxes.append(count)
            count += 1
    for index, box in enumerate(boxes):
        text += f"#X obj 0 {20 * index} r press-{index};\n#X connect {count + index} 0 {box} 0;\n"
    return re.sub(r"^(#X obj \d+ \d+ gapt);$", rf"\1 {arguments};", text, flags=re.MULTILINE), messages


@contextmanager
def playing(folder: Path, *arguments: object) -> Iterator[Patch]:
    """Pd with [gapt `arguments`] in a patch written to `folder`; killed in the end."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as told:
        told.bind(("127.0.0.1", 0))
        told.settimeout(PATIENCE)
        patch = folder / "around.pd"
        patch.write_text(AROUND.format(arguments=" ".join(map(str, arguments)), port=told.getsockname()[1]), "utf-8")
        log = (folder / "pd.log").open("w")
        pd = subprocess.Popen([str(PD), *QUIET, "-path", str(PATCHES), str(patch)], stderr=log)
        try:
            ready, address = told.recvfrom(4096)
            assert ready == b"ready;\n"
            yield Patch(told, address)
        finally:
            pd.kill()
            pd.wait()
            log.close()
