"""The root of the command line, `gapt`.

Commands are named here and imported when they are needed: their modules import nothing heavy at their
top, so that `gapt --help` knows neither torch nor numba. What a user did wrong ends here as one sentence.
"""

from __future__ import annotations

import importlib
import logging
import sys
from typing import Any, NoReturn

import click

from presets.errors import GaptError

COMMANDS = {
    "jam": "bridge.commands.jam:jam",
    "accompany": "bridge.commands.accompany:accompany",
    "presets": "gapt_core.commands.presets:presets",
    "songs": "gapt_core.data.cli:songs",
    "train": "gapt_core.commands.train:train",
    "finetune": "gapt_core.commands.finetune:finetune",
    "evaluate": "gapt_core.commands.evaluate:evaluate",
    "experiment": "gapt_core.commands.experiment:experiment",
    "export": "gapt_core.cli:export",
    "daw": "bridge.commands.daw:daw",
    "ports": "bridge.diagnosis.cli:ports",
    "monitor": "bridge.diagnosis.cli:monitor",
    "doctor": "bridge.diagnosis.cli:doctor",
    "bench": "bridge.diagnosis.cli:bench",
}
"""Where each command stands, in the order of `gapt --help`."""

INTERRUPTED = 130

logger = logging.getLogger(__name__)


class UserError(click.ClickException):
    """A sentence on the error stream and exit code 2."""

    exit_code = 2


class LazyGroup(click.Group):
    """A group that imports a command when it is asked for, and turns what went wrong into a sentence."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Names of all commands, in the order of `COMMANDS`."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command of that name, imported now; None where there is none."""
        place = COMMANDS.get(cmd_name)
        if place is None:
            return None
        module, attribute = place.split(":")
        command: click.Command = getattr(importlib.import_module(module), attribute)
        return command

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command; a `GaptError`, or a path the system refuses, becomes a `UserError`."""
        try:
            return super().invoke(ctx)
        except GaptError as error:
            _fail(str(error))
        except KeyboardInterrupt:
            ctx.exit(INTERRUPTED)
        except OSError as error:
            if error.filename is None:
                raise
            _fail(f"{error.filename}: {error.strerror or error}; check the path and who may read or write it.")


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="gapt-bridge", prog_name="gapt")
@click.option("-v", "--verbose", count=True, help="Log what happens; twice for every detail.")
def gapt(verbose: int) -> None:
    """Chords in time: a melody goes in over MIDI or OSC, a trained policy answers."""
    _set_up_logging(verbose)


def main() -> NoReturn:
    """Run `gapt` on this process's arguments and leave with its exit code."""
    for stream in (sys.stdout, sys.stderr):
        # A console that knows no «♭» shall show a question mark, not stop the music.
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="replace")
    gapt.main(prog_name="gapt")


class _EchoHandler(logging.Handler):
    """Writes to whatever is the error stream at that moment."""

    def emit(self, record: logging.LogRecord) -> None:
        click.echo(self.format(record), err=True)


def _set_up_logging(verbose: int) -> None:
    handler = _EchoHandler()
    handler.setFormatter(logging.Formatter("%(levelname)s %(name)s: %(message)s"))
    root = logging.getLogger()
    for earlier in [h for h in root.handlers if isinstance(h, _EchoHandler)]:
        root.removeHandler(earlier)
    root.addHandler(handler)
    root.setLevel((logging.WARNING, logging.INFO, logging.DEBUG)[min(verbose, 2)])


def _fail(sentence: str) -> NoReturn:
    logger.debug("the error in full", exc_info=True)
    raise UserError(sentence)
