import json
import shutil
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tiny_presets import CARD, tiny_fields, tiny_weights, write_tiny

from presets.errors import PresetError
from presets.manifest import KIT, MANIFEST, WEIGHTS
from presets.preset import load_preset, write_preset


def test_a_preset_is_whole_after_writing(tmp_path: Path) -> None:
    preset = write_tiny(tmp_path / "folk-2")
    preset.verify()
    assert preset.name == "folk-2"
    assert preset.card() == CARD
    assert preset.weights.read_bytes() == tiny_weights() == preset.read(WEIGHTS)
    assert preset.manifest.members[WEIGHTS].sha256 == preset.weights_sha256
    assert [path.name for path in tmp_path.iterdir()] == ["folk-2"]


@settings(max_examples=30)
@given(member=st.sampled_from([WEIGHTS, "card.md"]), place=st.integers(0), bit=st.integers(0, 7))
def test_one_flipped_bit_is_found(tmp_path_factory: pytest.TempPathFactory, member: str, place: int, bit: int) -> None:
    preset = write_tiny(tmp_path_factory.mktemp("flip") / "tiny")
    content = bytearray((preset.folder / member).read_bytes())
    content[place % len(content)] ^= 1 << bit
    (preset.folder / member).write_bytes(content)
    with pytest.raises(PresetError, match="is damaged"):
        preset.verify()
    with pytest.raises(PresetError, match="is damaged"):
        preset.read(member)


@pytest.mark.parametrize("change", [lambda content: content[:-1], lambda content: content + b"\0"])
def test_another_length_is_found(tmp_path: Path, change) -> None:
    preset = write_tiny(tmp_path / "tiny")
    preset.weights.write_bytes(change(preset.weights.read_bytes()))
    with pytest.raises(PresetError, match="is damaged"):
        preset.verify()


def test_a_lost_member_is_found(tmp_path: Path) -> None:
    preset = write_tiny(tmp_path / "tiny")
    preset.weights.unlink()
    with pytest.raises(PresetError, match="cannot be read"):
        preset.verify()


def test_a_member_that_is_not_promised_is_not_read(tmp_path: Path) -> None:
    preset = write_tiny(tmp_path / "tiny")
    (preset.folder / "extra.md").write_text("x")
    with pytest.raises(PresetError, match=r"no member extra\.md"):
        preset.read("extra.md")


def test_a_wrong_count_of_parameters_is_found(tmp_path: Path) -> None:
    folder = write_tiny(tmp_path / "tiny").folder
    manifest = json.loads((folder / MANIFEST).read_text("utf-8"))
    (folder / MANIFEST).write_text(json.dumps({**manifest, "parameters": 11}))
    with pytest.raises(PresetError, match="holds 10 numbers, its manifest says 11"):
        load_preset(folder).verify()


def with_kit(folder: Path, *nets: str, index: bytes = b'{"nets": {"judge-0": {}}}') -> None:
    """Write a preset with these nets of a kit, and verify it."""
    kit = {f"kit-{net}.safetensors": tiny_weights() for net in nets}
    members = {WEIGHTS: tiny_weights(), "card.md": b"x", KIT: index, **kit}
    write_preset(folder, tiny_fields(), members).verify()


def test_a_kit_must_fit_its_index(tmp_path: Path) -> None:
    with_kit(tmp_path / "whole", "judge-0")
    for name, nets in (("few", ()), ("many", ("judge-0", "judge-1")), ("others", ("judge-1",))):
        with pytest.raises(PresetError, match=rf"kit of “{name}” does not fit its index \(kit-judge"):
            with_kit(tmp_path / name, *nets)


@pytest.mark.parametrize("index", [b"{", b"{}", b"[]", b'{"nets": 3}', b"[" * 100_000, b"\xff"])
def test_a_kit_without_a_sane_index_is_found(tmp_path: Path, index: bytes) -> None:
    with pytest.raises(PresetError, match="is not the index of a training kit"):
        with_kit(tmp_path / "odd", "judge-0", index=index)


def test_nets_of_a_kit_without_their_index_are_found(tmp_path: Path) -> None:
    members = {WEIGHTS: tiny_weights(), "card.md": b"x", "kit-judge-0.safetensors": tiny_weights()}
    with pytest.raises(PresetError, match=r"no member kit\.json"):
        write_preset(tmp_path / "odd", tiny_fields(), members).verify()


def test_a_copied_folder_must_be_renamed_inside(tmp_path: Path) -> None:
    shutil.copytree(write_tiny(tmp_path / "tiny").folder, tmp_path / "mine")
    with pytest.raises(PresetError, match="of the preset “tiny”"):
        load_preset(tmp_path / "mine")


def test_vocabularies_must_agree(tmp_path: Path) -> None:
    preset = write_tiny(tmp_path / "tiny")
    preset.require_vocabulary("0" * 64)
    with pytest.raises(PresetError, match="another vocabulary"):
        preset.require_vocabulary("1" * 64)


def test_nothing_is_overwritten_unasked(tmp_path: Path) -> None:
    first = write_tiny(tmp_path / "tiny")
    with pytest.raises(PresetError, match="is there already"):
        write_tiny(tmp_path / "tiny", description="Another.")
    assert load_preset(first.folder) == first


def test_a_preset_gives_way_to_its_successor(tmp_path: Path) -> None:
    write_tiny(tmp_path / "tiny")
    members = {WEIGHTS: tiny_weights(1), "card.md": b"New."}
    replaced = write_preset(tmp_path / "tiny", tiny_fields(version="1.1.0"), members, replace=True)
    replaced.verify()
    assert replaced.manifest.version == "1.1.0"
    assert [path.name for path in tmp_path.iterdir()] == ["tiny"]


def test_only_presets_give_way(tmp_path: Path) -> None:
    (tmp_path / "music").mkdir()
    (tmp_path / "music" / "song.mid").write_text("precious")
    with pytest.raises(PresetError, match="is there already"):
        write_preset(tmp_path / "music", tiny_fields(), {WEIGHTS: tiny_weights(), "card.md": b"x"}, replace=True)
    assert (tmp_path / "music" / "song.mid").read_text() == "precious"


@pytest.mark.parametrize("replace", [False, True])
@pytest.mark.parametrize(
    ("fields", "members"),
    [
        (tiny_fields(version="one"), {WEIGHTS: tiny_weights(), "card.md": b"x"}),
        (tiny_fields(surprise=1), {WEIGHTS: tiny_weights(), "card.md": b"x"}),
        (tiny_fields(figures={"a": {"b": {"c": float("nan")}}}), {WEIGHTS: tiny_weights(), "card.md": b"x"}),
        (tiny_fields(), {WEIGHTS: b"pickle", "card.md": b"x"}),
        (tiny_fields(), {WEIGHTS: tiny_weights()}),
        (tiny_fields(), {"card.md": b"x"}),
        (tiny_fields(), {WEIGHTS: tiny_weights(), "card.md": b"x", "../outside.md": b"x"}),
    ],
)
def test_a_refused_preset_leaves_nothing(tmp_path: Path, fields, members, replace: bool) -> None:
    if replace:
        write_tiny(tmp_path / "here" / "tiny")
    with pytest.raises(PresetError):
        write_preset(tmp_path / "here" / "tiny", fields, members, replace=replace)
    assert [path.name for path in tmp_path.glob("*")] == ["here"] * replace
    assert [path.name for path in tmp_path.glob("here/*")] == ["tiny"] * replace


@pytest.mark.parametrize("name", ["", "Tiny", "a b", "a.b", "-a", "a-", "con", "com1", "é", "x" * 65])
def test_bad_names_are_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(PresetError, match="cannot name a preset"):
        write_tiny(tmp_path / f"{name}" if name else Path("/"))
    assert not list(tmp_path.iterdir())


def test_an_unwritable_place_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("no folder")
    with pytest.raises(PresetError, match="choose another folder"):
        write_tiny(tmp_path / "file" / "tiny")
