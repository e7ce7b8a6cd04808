"""`gapt daw`: the group with all commands about hosts, those that need a bridge among them."""

from __future__ import annotations

import click

from bridge.diagnosis.cli import test_host
from plugin_host.daw.cli import daw as kept

daw = click.Group("daw", {**kept.commands, "test": test_host}, help=kept.help)
