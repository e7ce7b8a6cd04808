"""Address patterns of OSC 1.0: `?` one character, `*` any run, `[a-z]` and `[!a-z]` sets, `{this,that}` choices.

None of them reaches across a slash. They are followed through an address by the set of places where they can stand, so
that no pattern, however wicked, takes longer than its length times the address's.
"""

from __future__ import annotations

from dataclasses import dataclass

SIGNS = frozenset("?*[]{}")
LONGEST_PATTERN = 256


@dataclass(frozen=True, slots=True)
class _Set:
    """One character of `ranges`, or one of none of them."""

    ranges: tuple[tuple[str, str], ...]
    others: bool

    def ends(self, text: str, place: int) -> list[int]:
        if place >= len(text):
            return []
        inside = any(low <= text[place] <= high for low, high in self.ranges)
        return [place + 1] if inside != self.others else []


@dataclass(frozen=True, slots=True)
class _Choice:
    """One of `words`, whole."""

    words: tuple[str, ...]

    def ends(self, text: str, place: int) -> list[int]:
        return [place + len(word) for word in self.words if text.startswith(word, place)]


@dataclass(frozen=True, slots=True)
class _Run:
    """Any characters, none too."""


_Token = _Set | _Choice | _Run
_ANY = _Set((), others=True)


def is_pattern(address: str) -> bool:
    """Whether `address` holds a sign of a pattern; if not it is a plain address."""
    return not SIGNS.isdisjoint(address)


def matching(pattern: str, addresses: tuple[str, ...]) -> list[str]:
    """Those of `addresses` that `pattern` matches, in their order.

    Raises:
        ValueError: it is no pattern, or too long to be worth following.
    """
    if len(pattern) > LONGEST_PATTERN:
        raise ValueError("a pattern is too long")
    parts = [_tokens(part) for part in pattern.split("/")]
    return [address for address in addresses if _matches(parts, address.split("/"))]


def _matches(parts: list[list[_Token]], names: list[str]) -> bool:
    return len(parts) == len(names) and all(
        _reaches_end(tokens, name) for tokens, name in zip(parts, names, strict=True)
    )


def _reaches_end(tokens: list[_Token], name: str) -> bool:
    places = {0}
    for token in tokens:
        if isinstance(token, _Run):
            places = set(range(min(places), len(name) + 1))
        else:
            places = {end for place in places for end in token.ends(name, place)}
        if not places:
            return False
    return len(name) in places


def _tokens(part: str) -> list[_Token]:
    tokens: list[_Token] = []
    place = 0
    while place < len(part):
        token, place = _token(part, place)
        tokens.append(token)
    return tokens


def _token(part: str, place: int) -> tuple[_Token, int]:
    """What stands at `place`, and where the next begins."""
    sign = part[place]
    if sign == "*":
        return _Run(), place + 1
    if sign == "?":
        return _ANY, place + 1
    if sign in "[{":
        end = part.find("]" if sign == "[" else "}", place + 1)
        if end < 0:
            raise ValueError(f"{sign} is never closed")
        inside = part[place + 1 : end]
        return (_set(inside) if sign == "[" else _Choice(tuple(inside.split(",")))), end + 1
    if sign in "]}":
        raise ValueError(f"{sign} closes nothing")
    return _Choice((sign,)), place + 1


def _set(inside: str) -> _Set:
    others = inside.startswith("!")
    signs = inside[1:] if others else inside
    if not signs:
        raise ValueError("[] holds nothing")
    ranges: list[tuple[str, str]] = []
    place = 0
    while place < len(signs):
        # A minus is a range between two signs, and itself at the end.
        if place + 2 < len(signs) and signs[place + 1] == "-":
            ranges.append((min(signs[place], signs[place + 2]), max(signs[place], signs[place + 2])))
            place += 3
        else:
            ranges.append((signs[place], signs[place]))
            place += 1
    return _Set(tuple(ranges), others)
