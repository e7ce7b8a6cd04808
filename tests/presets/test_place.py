"""Folders in their place: states that a kill leaves, and who may tidy them up when."""

from __future__ import annotations

from pathlib import Path

import pytest

from presets import place
from presets.errors import PresetError
from presets.lock import locked
from presets.place import LOCK, NEW, NEXT, OLD, current, names, put, take_away, tidy


def filler(text: str):
    def fill(folder: Path) -> None:
        (folder / "text").write_text(text)

    return fill


def always(there: Path) -> bool:
    return True


def never(there: Path) -> bool:
    return False


@pytest.fixture
def root(tmp_path: Path) -> Path:
    put(tmp_path / "mine", filler("old"), never)
    return tmp_path


def committed(root: Path) -> None:
    """The state in which a replacement is whole, and the old folder still in its place."""
    (root / f"{NEXT}mine" / "mine").mkdir(parents=True)
    filler("new")(root / f"{NEXT}mine" / "mine")


def listed(root: Path) -> list[str]:
    return sorted(path.name for path in root.iterdir())


def test_only_the_folder_itself_stays(root: Path) -> None:
    assert listed(root) == ["mine"] and names(root) == {"mine"}
    put(root / "mine", filler("new"), always)
    assert listed(root) == ["mine"] and (root / "mine" / "text").read_text() == "new"
    take_away(root / "mine")
    assert listed(root) == [] and names(root) == set()


def test_what_does_not_give_way_stays(root: Path) -> None:
    with pytest.raises(PresetError, match="is there already"):
        put(root / "mine", filler("new"), never)
    assert listed(root) == ["mine"] and (root / "mine" / "text").read_text() == "old"


@pytest.mark.parametrize("error", [OSError(28, "No space left on device"), KeyboardInterrupt()])
def test_what_could_not_be_written_leaves_nothing(root: Path, error: BaseException) -> None:
    def fill(folder: Path) -> None:
        filler("half")(folder)
        raise error

    with pytest.raises(type(error)):
        put(root / "mine", fill, always)
    assert listed(root) == ["mine"] and (root / "mine" / "text").read_text() == "old"


def test_a_whole_replacement_is_what_counts(root: Path) -> None:
    committed(root)
    assert (current(root / "mine") / "text").read_text() == "new"
    assert names(root) == {"mine"}
    tidy(root)
    assert listed(root) == ["mine"] and (root / "mine" / "text").read_text() == "new"


def test_half_of_one_does_not_count(root: Path) -> None:
    (root / f"{NEW}abc" / "mine").mkdir(parents=True)
    (root / f"{OLD}abc" / "gone").mkdir(parents=True)
    assert names(root) == {"mine"} and current(root / "mine") == root / "mine"
    tidy(root)
    assert listed(root) == ["mine"] and (root / "mine" / "text").read_text() == "old"


def test_nobody_tidies_up_where_another_is_at_work(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    committed(root)
    with locked(root / LOCK, 0.0):
        before = listed(root)
        tidy(root)
        assert listed(root) == before
        assert (current(root / "mine") / "text").read_text() == "new", "and everyone sees what counts"
        monkeypatch.setattr(place, "PATIENCE_SECONDS", 0.0)
        with pytest.raises(PresetError, match="Another program is changing"):
            put(root / "other", filler("x"), never)
        with pytest.raises(PresetError, match="Another program is changing"):
            take_away(root / "mine")
        assert listed(root) == before


def test_what_is_not_ours_is_left_alone(root: Path) -> None:
    (root / ".old-songs").mkdir()
    (root / ".mine-x").mkdir()
    put(root / "other", filler("x"), never)
    tidy(root)
    assert listed(root) == [".mine-x", ".old-songs", "mine", "other"]
    assert names(root) == {"mine", "other"}


def test_a_link_is_taken_away_and_not_what_it_leads_to(root: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    filler("precious")(elsewhere)
    (root / "linked").symlink_to(elsewhere, target_is_directory=True)
    take_away(root / "linked")
    assert listed(root) == ["mine"] and (elsewhere / "text").read_text() == "precious"


def test_a_folder_that_is_not_there_holds_nothing(tmp_path: Path) -> None:
    tidy(tmp_path / "nowhere")
    assert names(tmp_path / "nowhere") == set() and not list(tmp_path.iterdir())
    with pytest.raises(OSError, match="nowhere"):
        take_away(tmp_path / "nowhere")
    assert not list(tmp_path.iterdir())
