"""`docs/osc.md` says what the code says."""

from __future__ import annotations

import re
import runpy
from pathlib import Path

from bridge.controls.parameters import PARAMETERS
from bridge.ports.osc.namespace import NAMESPACE

DOCS = Path(__file__).parents[2] / "docs"


def test_the_page_of_the_namespace_is_what_the_tables_say() -> None:
    page = runpy.run_path(str(DOCS / "make_osc.py"))["page"]()
    assert (DOCS / "osc.md").read_text("utf-8") == page, "run: python docs/make_osc.py"


def test_every_address_has_its_line() -> None:
    lines = re.findall(r"^\| `(/gapt/\S+)` \|", (DOCS / "osc.md").read_text("utf-8"), re.MULTILINE)
    assert sorted(lines) == sorted([line.address for line in NAMESPACE] + [p.address for p in PARAMETERS.values()])
