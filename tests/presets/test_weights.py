import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from safetensors import SafetensorError, deserialize
from safetensors.numpy import save
from tiny_presets import tiny_weights

from presets.errors import PresetError
from presets.weights import read_header


def packed(header: Any, data: bytes = b"") -> bytes:
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return len(text).to_bytes(8, "little") + text + data


def entry(shape: list[int], begin: int, end: int, dtype: str = "F32") -> dict[str, Any]:
    return {"dtype": dtype, "shape": shape, "data_offsets": [begin, end]}


@given(
    st.dictionaries(
        st.text(min_size=1, max_size=8).filter(lambda name: name != "__metadata__"),
        st.tuples(
            st.sampled_from([np.float16, np.float32, np.float64, np.int64, np.uint8, np.bool_]),
            st.lists(st.integers(0, 4), max_size=3),
        ),
        min_size=1,
        max_size=5,
    )
)
def test_the_library_and_the_reader_see_the_same(
    tmp_path_factory: pytest.TempPathFactory, tensors: dict[str, Any]
) -> None:
    path = tmp_path_factory.mktemp("weights") / "policy.safetensors"
    path.write_bytes(save({name: np.zeros(shape, dtype) for name, (dtype, shape) in tensors.items()}, {"made": "here"}))
    seen = {tensor.name: (tensor.dtype, list(tensor.shape), tensor.end - tensor.begin) for tensor in read_header(path)}
    theirs = {name: (t["dtype"], t["shape"], len(t["data"])) for name, t in deserialize(path.read_bytes())}
    assert seen == theirs


def test_counts_and_order(tmp_path: Path) -> None:
    path = tmp_path / "policy.safetensors"
    path.write_bytes(tiny_weights())
    header = read_header(path)
    assert sum(tensor.count for tensor in header) == 10
    assert [tensor.begin for tensor in header] == sorted(tensor.begin for tensor in header)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "no header"),
        (b"\x00" * 7, "no header"),
        (packed(b""), "no header"),
        ((1 << 62).to_bytes(8, "little") + b"{}", "no header"),
        (packed([]), "no header"),
        (packed(b'{"a": '), "Expecting value"),
        (packed({}), "0 bytes of tensors"),
        (packed({"a": 3}), "'a' is described"),
        (packed({"a": entry([2], 0, 8)}), "8 bytes of tensors, and it holds 0"),
        (packed({"a": entry([2], 0, 8)}, b"\0" * 9), "holds 9"),
        (packed({"a": entry([2], 0, 4)}, b"\0" * 4), "other bytes than its shape"),
        (packed({"a": entry([-2], 0, 8)}, b"\0" * 8), "no whole number"),
        (packed({"a": entry([2.0], 0, 8)}, b"\0" * 8), "no whole number"),
        (packed({"a": entry([2], 0, 8, "PICKLE")}, b"\0" * 8), "unknown type"),
        (packed({"a": entry([1], 0, 4), "b": entry([1], 8, 12)}, b"\0" * 12), "before 'b'"),
        (packed({"a": entry([2], 0, 8), "b": entry([1], 4, 8)}, b"\0" * 8), "before 'b'"),
        (packed(b'{"a": 1, "a": 2}'), "twice"),
        (packed({"a": {"dtype": "F32", "shape": 4, "data_offsets": [0, 4]}}, b"\0" * 4), "iter"),
        (packed(b'{"a":' * 50_000), ""),
    ],
)
def test_insane_files_are_one_sentence(tmp_path: Path, content: bytes, reason: str) -> None:
    path = tmp_path / "policy.safetensors"
    path.write_bytes(content)
    with pytest.raises(PresetError, match="not sane safetensors") as raised:
        read_header(path)
    assert reason in str(raised.value)


@given(st.data())
def test_what_is_accepted_the_library_reads_too(tmp_path_factory: pytest.TempPathFactory, data: st.DataObject) -> None:
    content = bytearray(tiny_weights())
    header_end = 8 + int.from_bytes(content[:8], "little")
    content[data.draw(st.integers(0, header_end - 1))] = data.draw(st.integers(0, 255))
    path = tmp_path_factory.mktemp("flipped") / "policy.safetensors"
    path.write_bytes(content)
    try:
        names = {tensor.name for tensor in read_header(path)}
    except PresetError:
        return
    try:
        assert names == {name for name, _ in deserialize(bytes(content))}
    except SafetensorError as error:
        pytest.fail(f"accepted what the library refuses: {error}")


def test_a_missing_file_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(PresetError, match="cannot be read"):
        read_header(tmp_path / "nowhere.safetensors")
