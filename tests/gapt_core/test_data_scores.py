"""ABC and MusicXML in: tunes, bars, pickups, chords in our spelling, and every kind of damage."""

from __future__ import annotations

import io
import sys
import zipfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gapt_core.chords import CHORD_COUNT, Chord, chord_at
from gapt_core.data.abc_text import decode_abc, spelled, tunes_in
from gapt_core.data.scores import read_abc, read_musicxml
from gapt_core.errors import SongError
from gapt_core.song import Bar, ChordEvent, Metre, Song, Tempo

TUNE = """X:1
T:The Pickup
M:3/4
L:1/8
Q:1/4=90
K:G
% a comment with "A" in it
D2|:"G"G2 A2 "^slowly"B2|"@1,2 above"{g}c4 (3def|"Am7"z6-y10|!fermata!"D7b9"[GB]4 :|
"Em (C)"e6|"huh"e4|]
"""


def music21() -> None:
    pytest.importorskip("music21", reason="needs the scores extra")


def abc(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "book.abc"
    path.write_text(text, encoding="utf-8")
    return path


def only_song(tmp_path: Path, text: str) -> Song:
    [song] = read_abc(abc(tmp_path, text)).songs
    return song


def test_an_abc_tune(tmp_path: Path) -> None:
    music21()
    result = read_abc(abc(tmp_path, TUNE))
    [song] = result.songs
    assert (song.title, song.metres, song.tempos) == ("The Pickup", (Metre(0.0, 3, 4),), (Tempo(0.0, 90.0),))
    lengths = [bar.duration_beats for bar in song.bars]
    assert song.bars[0] == Bar(0.0, 1.0) and lengths == [1, 3, 3, 3, 2, 3, 2] and song.end_beats == 17.0
    assert [note.pitch for note in song.notes] == [62, 67, 69, 71, 72, 74, 76, 78, 71, 76, 76]
    assert [event.onset_beats for event in song.chords or ()] == [1.0, 7.0, 10.0, 12.0]
    names = [event.chord.name for event in song.chords or () if event.chord]
    assert names == ["G:maj", "A:min7", "D:7(b9)", "E:min"]
    assert result.repairs == (
        "tune 1 'The Pickup': polyphonic: 1 of 12 notes lie under another and are left out",
        "tune 1 'The Pickup': no chord symbols: 'huh'",
    )


def test_the_head_of_a_book_holds_for_its_tunes_and_bad_tunes_are_named(tmp_path: Path) -> None:
    music21()
    book = "M:2/4\nL:1/4\n\nX:7\nT:One\nK:C\nCD|EF|\n\nsome words\n\nX:8\nT:Two\nK:C\n\nX:9\nT:Three\nK:F\nB2|A2|\n"
    result = read_abc(abc(tmp_path, book))
    assert [(song.title, len(song.notes), song.metres[0].numerator) for song in result.songs] == [
        ("One", 4, 2),
        ("Three", 2, 2),
    ]
    assert result.songs[1].notes[0].pitch == 70
    assert len(result.repairs) == 1 and result.repairs[0].startswith("tune 8 'Two' ")


def test_a_tune_without_metre_or_unit_is_in_eighths(tmp_path: Path) -> None:
    music21()
    assert only_song(tmp_path, "X:1\nT:t\nK:C\nC2D2|E4|\n").notes[0].duration_beats == 1.0


def test_ties_join_and_no_chord_is_no_chord(tmp_path: Path) -> None:
    music21()
    song = only_song(tmp_path, 'X:1\nT:t\nM:4/4\nL:1/4\nK:C\n"C"C4-|"NC"C2 z2|\n')
    assert [(note.onset_beats, note.duration_beats) for note in song.notes] == [(0.0, 6.0)]
    assert song.chords == (ChordEvent(0.0, Chord(0, "maj")), ChordEvent(4.0, None))


def test_every_chord_of_the_vocabulary_comes_through(tmp_path: Path) -> None:
    music21()
    bars = "|".join(f'"{chord_at(index).name}"C4' for index in range(CHORD_COUNT))
    song = only_song(tmp_path, f"X:1\nT:t\nM:4/4\nL:1/4\nK:C\n{bars}|\n")
    assert [event.chord for event in song.chords or ()] == [chord_at(index) for index in range(CHORD_COUNT)]


def test_respelling_needs_no_reader() -> None:
    [tune] = tunes_in(TUNE)
    assert spelled(Chord(10, "hdim7")) == "Bbm7b5"
    assert tune.dropped == ("huh",) and '"Am7"' in tune.text and '"Em"' in tune.text
    for gone in ("slowly", "above", "fermata", "y10", "comment"):
        assert gone not in tune.text


def test_text_is_decoded_whatever_its_encoding_and_line_ends() -> None:
    assert decode_abc("T:Süß\r\nX".encode()) == decode_abc("T:Süß\nX".encode("latin-1")) == "T:Süß\nX"


@pytest.mark.parametrize("text", ["", "no tune here\n", "X:1\nT:empty\nM:4/4\nL:1/8\nK:C\n", "X:1\nK:C\nz4|z4|\n"])
def test_abc_without_music_is_refused_in_one_sentence(tmp_path: Path, text: str) -> None:
    music21()
    with pytest.raises(SongError, match=r"book\.abc has nothing to use") as refused:
        read_abc(abc(tmp_path, text))
    assert "\n" not in str(refused.value)


@settings(max_examples=40)
@given(st.text('abcdefgABCDEFG|:[]()<>/\'",^_=z0123456789{}~\n "Am"-&VTMKLQ', max_size=80))
def test_any_abc_is_read_or_refused(tmp_path_factory: pytest.TempPathFactory, body: str) -> None:
    music21()
    path = tmp_path_factory.getbasetemp() / "any.abc"
    path.write_text("X:1\nT:any\nM:4/4\nL:1/8\nK:C\n" + body, encoding="utf-8")
    try:
        songs = read_abc(path).songs
    except SongError:
        return
    assert all(song.notes and song.bars for song in songs)


NOTE = "<note>{chord}<pitch><step>{step}</step><octave>{octave}</octave></pitch><duration>{length}</duration></note>"


def note(step: str, octave: int, length: int, chord: str = "") -> str:
    return NOTE.format(step=step, octave=octave, length=length, chord=chord)


def harmony(root: str, kind: str, degrees: str = "") -> str:
    return f"<harmony><root><root-step>{root}</root-step></root><kind>{kind}</kind>{degrees}</harmony>"


B9 = "<degree><degree-value>9</degree-value><degree-alter>-1</degree-alter><degree-type>add</degree-type></degree>"


def score(*measures: str, transpose: str = "") -> str:
    numbered = "".join(f'<measure number="{i}">{content}</measure>' for i, content in enumerate(measures))
    attributes = f"<attributes><divisions>2</divisions><time><beats>3</beats><beat-type>4</beat-type></time>{transpose}"
    first = numbered.replace(">", f">{attributes}</attributes>", 1)
    return (
        '<?xml version="1.0" encoding="UTF-8"?><score-partwise version="3.1"><work><work-title>Lead</work-title></work>'
        '<part-list><score-part id="P1"><part-name>Voice</part-name></score-part></part-list>'
        f'<part id="P1">{first}</part></score-partwise>'
    )


LEAD = score(
    note("G", 4, 2),
    harmony("C", "major") + note("C", 5, 4) + harmony("G", "dominant", B9) + note("B", 4, 2),
    harmony("A", "minor-seventh") + note("A", 4, 6) + note("E", 4, 6, "<chord/>"),
)


def packed(**members: str) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for name, text in members.items():
            archive.writestr(name, text)
    return out.getvalue()


@pytest.mark.parametrize(
    "data",
    [
        LEAD.encode(),
        LEAD.replace("UTF-8", "UTF-16").encode("utf-16"),
        packed(
            **{"META-INF/container.xml": "<c><rootfile full-path='lead.xml'/></c>", "a.xml": "<x/>", "lead.xml": LEAD}
        ),
        packed(**{"META-INF/container.xml": "<c><rootfile full-path='It's.xml'/></c>", "It's.xml": LEAD}),
        packed(**{"lead.musicxml": LEAD}),
    ],
    ids=["plain", "utf-16", "container", "broken-container", "no-container"],
)
def test_a_music_xml_score(tmp_path: Path, data: bytes) -> None:
    music21()
    path = tmp_path / "lead.mxl"
    path.write_bytes(data)
    result = read_musicxml(path)
    [song] = result.songs
    assert song.title == "Lead" and song.metres == (Metre(0.0, 3, 4),)
    assert song.bars == (Bar(0.0, 1.0), Bar(1.0, 3.0), Bar(4.0, 3.0))
    assert [(n.onset_beats, n.pitch) for n in song.notes] == [(0.0, 67), (1.0, 72), (3.0, 71), (4.0, 69)]
    expected = [(1.0, Chord(0, "maj")), (3.0, Chord(7, "7(b9)")), (4.0, Chord(9, "min7"))]
    assert [(event.onset_beats, event.chord) for event in song.chords or ()] == expected
    assert result.remarks == ("part Voice",) and result.repairs[0].startswith("polyphonic: 1 of 5")


def test_a_transposing_instrument_is_read_as_it_sounds(tmp_path: Path) -> None:
    music21()
    path = tmp_path / "trumpet.xml"
    transpose = "<transpose><diatonic>-1</diatonic><chromatic>-2</chromatic></transpose>"
    path.write_text(score(harmony("D", "major") + note("D", 5, 6), transpose=transpose), encoding="utf-8")
    [song] = read_musicxml(path).songs
    assert song.notes[0].pitch == 72 and song.chords == (ChordEvent(0.0, Chord(0, "maj")),)


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        (b"", "is not well-formed XML"),
        (b"<score-timewise/>", "is a 'score-timewise'"),
        (b"PK\x03\x04 not a zip", "is a damaged compressed score"),
        (packed(**{"readme.txt": "hello"}), "holds no score"),
        (LEAD.encode()[:400], "is not well-formed XML"),
        (score("").encode(), "has no notes"),
    ],
    ids=["empty", "timewise", "zip", "no-score", "truncated", "no-notes"],
)
def test_scores_that_cannot_be_used_are_refused_in_one_sentence(tmp_path: Path, data: bytes, sentence: str) -> None:
    music21()
    path = tmp_path / "a score.xml"
    path.write_bytes(data)
    with pytest.raises(SongError, match=sentence) as refused:
        read_musicxml(path)
    assert str(refused.value).startswith(f"{path} ") and "\n" not in str(refused.value)


def test_without_the_extra_a_sentence_says_how_to_get_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "music21", None)
    with pytest.raises(SongError, match=r'book\.abc needs .* pip install "gapt-bridge\[scores\]"$'):
        read_abc(abc(tmp_path, TUNE))
