import logging
from pathlib import Path

import pytest
from tiny_presets import write_tiny

from presets.errors import PresetError
from presets.manifest import MANIFEST
from presets.store import Store


@pytest.fixture
def store(tmp_path: Path) -> Store:
    write_tiny(tmp_path / "builtin" / "default")
    write_tiny(tmp_path / "builtin" / "other")
    return Store(tmp_path / "user", tmp_path / "builtin")


def test_found_by_name(store: Store) -> None:
    assert store.find("default").folder == store.builtin / "default"
    assert [preset.name for preset in store.all()] == ["default", "other"]


def test_the_users_own_comes_first(store: Store) -> None:
    write_tiny(store.user / "default", description="Mine.")
    assert store.find("default").manifest.description == "Mine."
    assert [preset.folder.parent for preset in store.all()] == [store.user, store.builtin]


def test_found_by_path(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(store.builtin)
    for path in ("./other", "../builtin/other", str(store.builtin / "other")):
        assert store.find(path).name == "other"
    monkeypatch.chdir(store.builtin / "other")
    assert store.find(".").name == "other"


@pytest.mark.parametrize("name", ["nowhere", "", "Default", "default\n", "manifest.json", "con"])
def test_an_unknown_name_shows_the_way_out(store: Store, name: str) -> None:
    with pytest.raises(PresetError) as raised:
        store.find(name)
    shown = name.replace("\n", "?")
    assert str(raised.value) == f"There is no preset “{shown}”; `gapt presets list` shows those there are."


@pytest.mark.parametrize("name", ["../builtin", "./nowhere", "/", "a/b"])
def test_a_path_that_is_no_preset(store: Store, name: str) -> None:
    with pytest.raises(PresetError):
        store.find(name)


def test_a_damaged_manifest_does_not_hide_the_others(store: Store, caplog: pytest.LogCaptureFixture) -> None:
    (store.builtin / "default" / MANIFEST).write_text("{")
    with caplog.at_level(logging.WARNING):
        assert [preset.name for preset in store.all()] == ["other"]
    assert str(store.builtin / "default" / MANIFEST) in caplog.text
    assert list(store.folders()) == ["default", "other"]


def test_strangers_in_the_folder_are_passed_over(store: Store) -> None:
    (store.builtin / ".default-half-written").mkdir()
    (store.builtin / "Notes").mkdir()
    (store.builtin / "readme").write_text("x")
    assert list(store.folders()) == ["default", "other"]


def test_folders_that_do_not_exist_hold_nothing(tmp_path: Path) -> None:
    assert Store(tmp_path / "a", tmp_path / "b").all() == []


def test_the_environment_names_the_users_folder(tmp_path: Path) -> None:
    assert Store.default({"GAPT_PRESETS": str(tmp_path)}).user == tmp_path
    assert Store.default({}).user.name == "presets"
    assert Store.default({"GAPT_PRESETS": ""}).user == Store.default({}).user


def test_the_built_in_presets_are_there_and_whole() -> None:
    presets = Store.default({"GAPT_PRESETS": "no-such-folder"}).all()
    assert {"default", "default-mle", "public-domain"} <= {preset.name for preset in presets}
    for preset in presets:
        preset.verify()
        assert preset.weights.stat().st_size < 16 * 1024 * 1024
