"""Address patterns as OSC 1.0 has them, against Python's own matching of file names and by table."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.ports.osc.patterns import LONGEST_PATTERN, is_pattern, matching


@pytest.mark.parametrize(
    ("pattern", "address", "matches"),
    [
        ("/gapt/note", "/gapt/note", True),
        ("/gapt/note", "/gapt/notes", False),
        ("/gapt/?ote", "/gapt/note", True),
        ("/gapt/?ote", "/gapt/ote", False),
        ("/gapt/*", "/gapt/note", True),
        ("/gapt/n*t*e", "/gapt/note", True),
        ("/gapt/n*t", "/gapt/note", False),
        ("/*/note", "/gapt/note", True),
        ("/*", "/gapt/note", False),
        ("/gapt*note", "/gapt/note", False),
        ("/*/*", "/gapt/note", True),
        ("/gapt/[mno]ote", "/gapt/note", True),
        ("/gapt/[a-m]ote", "/gapt/note", False),
        ("/gapt/[z-a]ote", "/gapt/note", True),
        ("/gapt/[!a-m]ote", "/gapt/note", True),
        ("/gapt/[!n]ote", "/gapt/note", False),
        ("/gapt/[n-]ote", "/gapt/-ote", True),
        ("/gapt/{note,host}", "/gapt/note", True),
        ("/gapt/{not,no}{te,e}", "/gapt/note", True),
        ("/gapt/{,n}ote", "/gapt/note", True),
        ("/gapt/{note}s", "/gapt/note", False),
        ("/gapt//note", "/gapt/note", False),
    ],
)
def test_the_rules(pattern: str, address: str, matches: bool) -> None:
    assert (matching(pattern, (address,)) == [address]) is matches


@pytest.mark.parametrize("pattern", ["/gapt/[note", "/gapt/{note", "/gapt/note]", "/gapt/}", "/gapt/[]", "/gapt/[!]"])
def test_what_is_no_pattern_is_refused(pattern: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        matching(pattern, ("/gapt/note",))


def test_a_pattern_has_a_sign_and_an_address_none() -> None:
    assert all(is_pattern(f"/gapt/{sign}") for sign in "?*[]{}")
    assert not is_pattern("/gapt/velocity_follow")


TOKENS = st.sampled_from(["a", "b", "?", "*", "[ab]", "[!a]", "{a,ab}", "{b,ba,}"])


@given(st.lists(TOKENS, max_size=7), st.text("ab", max_size=7))
def test_it_agrees_with_regular_expressions(tokens: list[str], name: str) -> None:
    words = {"?": ".", "*": ".*", "[!a]": "[^a]", "{a,ab}": "(a|ab)", "{b,ba,}": "(b|ba|)"}
    expected = re.fullmatch("".join(words.get(token, token) for token in tokens), name) is not None
    assert bool(matching("/" + "".join(tokens), ("/" + name,))) is expected


def test_no_pattern_keeps_the_receiving_thread_busy() -> None:
    wicked = "/" + "*a" * (LONGEST_PATTERN // 2 - 1) + "b"
    assert matching(wicked, ("/" + "a" * 300,)) == []
    with pytest.raises(ValueError, match="too long"):
        matching("/" + "*" * LONGEST_PATTERN, ("/a",))


@given(st.text("/?*[]{}!-,ab", max_size=60))
def test_any_text_is_followed_or_refused(text: str) -> None:
    try:
        matched = matching(text, ("/gapt/note", "/a/b"))
    except ValueError:
        return
    assert set(matched) <= {"/gapt/note", "/a/b"}
