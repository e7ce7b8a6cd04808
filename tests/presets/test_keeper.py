"""Installing, exporting, removing and choosing presets."""

from __future__ import annotations

import errno
import logging
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from archives import tree
from tiny_presets import tiny_fields, tiny_weights, write_tiny

from presets import preset as preset_module
from presets.errors import PresetError
from presets.files import write_atomically
from presets.keeper import export, install, remove, use
from presets.manifest import FORMAT, MANIFEST, WEIGHTS
from presets.preset import load_preset, write_preset
from presets.store import CHOICE, Store


@pytest.fixture
def store(tmp_path: Path) -> Store:
    write_tiny(tmp_path / "builtin" / "default")
    write_tiny(tmp_path / "user" / "mine")
    return Store(tmp_path / "user", tmp_path / "builtin")


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Another version of `mine`."""
    other = Store(tmp_path / "other", tmp_path / "builtin")
    write_tiny(other.user / "mine", version="2.0.0")
    export(other, "mine", tmp_path / "mine.gapt")
    return tmp_path / "mine.gapt"


def test_a_preset_comes_back_as_it_went(store: Store, tmp_path: Path) -> None:
    before = tree(store.user)
    export(store, "mine", tmp_path / "a.gapt")
    remove(store, "mine")
    assert tree(store.user) == {}
    assert install(store, tmp_path / "a.gapt").folder == store.user / "mine"
    assert tree(store.user) == before
    export(store, "mine", tmp_path / "b.gapt")
    assert (tmp_path / "a.gapt").read_bytes() == (tmp_path / "b.gapt").read_bytes()


def test_a_preset_of_format_1_goes_on_as_one_of_this_format(store: Store, tmp_path: Path) -> None:
    manifest = store.user / "mine" / MANIFEST
    new = manifest.read_bytes()
    manifest.write_bytes(new.replace(b'"format": 2', b'"format": 1'))
    assert manifest.read_bytes() != new and FORMAT == 2
    export(store, "mine", tmp_path / "a.gapt")
    assert (install(store, tmp_path / "a.gapt", hide=True).folder / MANIFEST).read_bytes() == new


def test_another_name(store: Store, file: Path) -> None:
    renamed = install(store, file, "theirs-2")
    renamed.verify()
    assert renamed.manifest.name == renamed.name == renamed.folder.name == "theirs-2"
    assert store.find("mine").manifest.version == "1.0.0"


def test_a_folder(store: Store, tmp_path: Path) -> None:
    source = write_tiny(tmp_path / "theirs").folder
    (source / "more.txt").write_text("not listed")
    assert {path.name for path in install(store, source).folder.iterdir()} == {MANIFEST, WEIGHTS, "card.md"}
    with pytest.raises(PresetError, match="cannot be read"):
        install(store, tmp_path / "builtin")
    (source / WEIGHTS).write_bytes(b"pickle")
    with pytest.raises(PresetError, match="is damaged"):
        install(store, source, hide=True)
    assert store.find("theirs").read(WEIGHTS) == tiny_weights()


def test_nothing_gives_way_unasked(store: Store, file: Path, tmp_path: Path) -> None:
    before = tree(store.user)
    with pytest.raises(PresetError, match="You have a preset “mine” already: add --name"):
        install(store, file)
    with pytest.raises(PresetError, match="came with the program is called “default”: add --name"):
        install(store, file, "default")
    with pytest.raises(PresetError, match="is there already: name another file"):
        export(store, "mine", file)
    assert tree(store.user) == before
    assert install(store, file, hide=True).manifest.version == "2.0.0"
    install(store, file, "default", hide=True)
    assert store.find("default").folder == store.user / "default"
    assert export(store, "mine", file, overwrite=True).manifest.version == "2.0.0"


@pytest.mark.parametrize("name", ["", "Upper", "../up", "a/b", "con", "x" * 65, "a\n"])
def test_bad_names_are_refused(store: Store, file: Path, name: str) -> None:
    before = tree(store.user)
    with pytest.raises(PresetError, match="cannot name a preset"):
        install(store, file, name)
    assert tree(store.user) == before


@pytest.mark.parametrize("calls", range(4))
def test_a_full_disk_leaves_the_store_as_it_was(
    store: Store, file: Path, monkeypatch: pytest.MonkeyPatch, calls: int
) -> None:
    written: list[Path] = []

    def write(path: Path, content: bytes) -> None:
        if len(written) == calls:
            raise OSError(errno.ENOSPC, "No space left on device", str(path))
        written.append(path)
        write_atomically(path, content)

    monkeypatch.setattr(preset_module, "write_atomically", write)
    before = tree(store.user)
    if calls == 3:
        assert install(store, file, hide=True).manifest.version == "2.0.0"
        return
    with pytest.raises(PresetError, match=r"cannot be written \(No space left on device\): see to room"):
        install(store, file, hide=True)
    assert tree(store.user) == before


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A real file system of 64 KiB."""
    disk = tmp_path / "disk"
    disk.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", str(disk)]
    if sys.platform != "linux" or not shutil.which("mount") or subprocess.run(mount, capture_output=True).returncode:
        pytest.skip("nothing may be mounted here")
    yield disk
    subprocess.run(["umount", str(disk)], check=True)


def test_a_disk_that_is_full(small_disk: Path, tmp_path: Path) -> None:
    card = b"# A long card\n" * 1200
    write_preset(tmp_path / "mine", tiny_fields(), {WEIGHTS: tiny_weights(), "card.md": card})
    store = Store(small_disk / "presets", tmp_path / "builtin")
    install(store, tmp_path / "mine")
    install(store, tmp_path / "mine", hide=True)
    before = tree(store.user)
    for name in ("mine", "more"):
        (small_disk / "rest").write_bytes(b"x" * 30_000)
        with pytest.raises(PresetError, match="No space left on device"):
            install(store, tmp_path / "mine", name, hide=True)
        with pytest.raises(PresetError, match="No space left on device"):
            export(store, "mine", small_disk / "mine.gapt")
        assert tree(store.user) == before
        assert sorted(path.name for path in small_disk.iterdir()) == ["presets", "rest"]
    remove(store, "mine")
    assert tree(store.user) == {}


def test_the_one_in_use(store: Store, caplog: pytest.LogCaptureFixture) -> None:
    assert store.in_use() == "default"
    use(store, "mine")
    assert store.in_use() == "mine"
    use(store, "default")
    assert store.in_use() == "default"
    use(store, "mine")
    remove(store, "mine")
    assert store.in_use() == "default" and not (store.user / CHOICE).exists()
    assert not caplog.records


def test_a_chosen_one_that_is_gone_is_told(store: Store, caplog: pytest.LogCaptureFixture) -> None:
    use(store, "mine")
    shutil.rmtree(store.user / "mine")
    with caplog.at_level(logging.WARNING):
        assert store.in_use() == "default"
    assert "“mine”, is gone: “default” plays" in caplog.text


@pytest.mark.parametrize("content", [b"", b"\xff\xfe", b"../mine", b"mine\nmore", b"x" * 9999])
def test_a_damaged_choice_is_none(store: Store, content: bytes) -> None:
    (store.user / CHOICE).write_bytes(content)
    assert store.in_use() == "default"


def test_only_a_whole_preset_is_chosen(store: Store) -> None:
    with pytest.raises(PresetError, match="There is no preset “nowhere”"):
        use(store, "nowhere")
    with pytest.raises(PresetError, match=r"There is no preset “\./mine”"):
        use(store, "./mine")
    (store.user / "mine" / WEIGHTS).write_bytes(b"x")
    with pytest.raises(PresetError, match="is damaged"):
        use(store, "mine")
    assert store.in_use() == "default"


def test_what_hid_a_built_in_one_gives_it_free(store: Store, file: Path) -> None:
    write_tiny(store.builtin / "folk")
    install(store, file, "folk", hide=True)
    use(store, "folk")
    remove(store, "folk")
    assert store.in_use() == "folk" and store.find("folk").folder == store.builtin / "folk"


def test_only_the_users_presets_are_removed(store: Store) -> None:
    (store.user / "notes").mkdir()
    (store.user / "notes" / "song.mid").write_text("precious")
    before = tree(store.user.parent)
    for name, reason in (
        ("default", "came with the program and stays"),
        ("nowhere", "There is no preset “nowhere”"),
        ("../user/mine", "There is no preset"),
        ("notes", "holds no manifest.json"),
    ):
        with pytest.raises(PresetError, match=reason):
            remove(store, name)
    assert tree(store.user.parent) == before


def test_a_damaged_preset_can_be_removed(store: Store) -> None:
    (store.user / "mine" / MANIFEST).write_text("{")
    remove(store, "mine")
    assert tree(store.user) == {}


def test_weights_are_looked_at_before_a_training_replaces_a_preset(store: Store) -> None:
    with pytest.raises(PresetError, match="not sane safetensors"):
        write_preset(store.user / "mine", tiny_fields(), {WEIGHTS: b"pickle", "card.md": b"x"}, replace=True)
    assert load_preset(store.user / "mine").manifest.version == "1.0.0"
