"""The pages about hosts: a page and a picture for each, and commands on them that are there."""

from __future__ import annotations

import re
import runpy
from pathlib import Path
from xml.etree import ElementTree

import pytest

from plugin_host.daw.hosts import HOSTS

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "docs" / "hosts"
DRAW = runpy.run_path(str(ROOT / "docs" / "make_hosts.py"))

SVG = "{http://www.w3.org/2000/svg}"


@pytest.mark.parametrize("name", DRAW["PICTURES"])
def test_a_picture_is_what_its_script_draws(name: str) -> None:
    drawn: str = DRAW["picture"](name)
    assert (FOLDER / f"{name}.svg").read_text("utf-8") == drawn, "run: python docs/make_hosts.py"


@pytest.mark.parametrize("name", DRAW["PICTURES"])
def test_a_picture_is_whole_and_has_words_for_those_who_do_not_see_it(name: str) -> None:
    picture = ElementTree.fromstring(DRAW["picture"](name))
    assert picture.get("aria-label")
    width, height = (float(picture.get(side, "0")) for side in ("width", "height"))
    shapes = list(picture.iter(f"{SVG}rect"))
    assert len(shapes) > 6
    for shape in shapes:
        x, y, wide, high = (float(shape.get(key, "0")) for key in ("x", "y", "width", "height"))
        assert 0 <= x <= x + wide <= width and 0 <= y <= y + high <= height


@pytest.mark.parametrize("name", DRAW["PICTURES"])
def test_a_picture_names_the_command_of_its_page(name: str) -> None:
    _, command, _ = DRAW["PICTURES"][name]
    words = [word for word in command.split() if not word.isupper()]
    assert any(
        all(word in said for word in words)
        for said in re.findall(r"`(gapt jam[^`]*)`", (FOLDER / f"{name}.md").read_text("utf-8"))
    )


@pytest.mark.parametrize("name", HOSTS)
def test_the_page_of_a_host_installs_and_tests_it(name: str) -> None:
    text = (FOLDER / f"{name}.md").read_text("utf-8")
    assert f"`gapt daw install {name}`" in text
    assert f"`gapt daw test {name}`" in text


def test_every_page_has_its_picture() -> None:
    assert {path.stem for path in FOLDER.glob("*.md")} == set(DRAW["PICTURES"]) == {*HOSTS, "keyboard"}
    assert {path.stem for path in FOLDER.glob("*.svg")} == set(DRAW["PICTURES"])
