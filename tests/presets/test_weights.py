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
from presets.weights import EXPONENTS, count_weights, is_finite, read_header


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
    seen = {
        tensor.name: (tensor.dtype, list(tensor.shape), tensor.end - tensor.begin)
        for tensor in read_header(path.read_bytes(), path)
    }
    theirs = {name: (t["dtype"], t["shape"], len(t["data"])) for name, t in deserialize(path.read_bytes())}
    assert seen == theirs


def test_counts_and_order(tmp_path: Path) -> None:
    path = tmp_path / "policy.safetensors"
    path.write_bytes(tiny_weights())
    header = read_header(path.read_bytes(), path)
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
        (packed({"a": entry([1] * 9, 0, 4)}, b"\0" * 4), "more than 8 dimensions"),
        (packed({"__metadata__": {"made": 3}, "a": entry([1], 0, 4)}, b"\0" * 4), "metadata"),
        (b"\x80\x04\x95" + b"pickle" * 9, "no header"),
        (b"PK\x03\x04" + b"torch" * 9, "no header"),
    ],
)
def test_insane_files_are_one_sentence(tmp_path: Path, content: bytes, reason: str) -> None:
    path = tmp_path / "policy.safetensors"
    path.write_bytes(content)
    with pytest.raises(PresetError, match="not sane safetensors") as raised:
        read_header(path.read_bytes(), path)
    assert reason in str(raised.value)


@given(st.data())
def test_what_is_accepted_the_library_reads_too(tmp_path_factory: pytest.TempPathFactory, data: st.DataObject) -> None:
    content = bytearray(tiny_weights())
    header_end = 8 + int.from_bytes(content[:8], "little")
    content[data.draw(st.integers(0, header_end - 1))] = data.draw(st.integers(0, 255))
    path = tmp_path_factory.mktemp("flipped") / "policy.safetensors"
    path.write_bytes(content)
    try:
        names = {tensor.name for tensor in read_header(path.read_bytes(), path)}
    except PresetError:
        return
    try:
        assert names == {name for name, _ in deserialize(bytes(content))}
    except SafetensorError as error:
        pytest.fail(f"accepted what the library refuses: {error}")


BITS = {"F16": np.uint16, "BF16": np.uint16, "F32": np.uint32}


def slowly_finite(bits: np.ndarray, dtype: str) -> bool:
    """What `is_finite` says, number by number."""
    if dtype == "BF16":  # the upper half of single precision
        return bool(np.isfinite((bits.astype(np.uint32) << 16).view(np.float32)).all())
    return bool(np.isfinite(bits.view(np.float16 if dtype == "F16" else np.float32)).all())


@given(st.data(), st.sampled_from(list(BITS)), st.integers(1, 40), st.integers(0, 70_000))
def test_finite_is_finite_to_the_last_number(data: st.DataObject, dtype: str, drawn: int, before: int) -> None:
    kind = BITS[dtype]
    top = int(np.iinfo(kind).max)
    edges = st.sampled_from([0, EXPONENTS[dtype], EXPONENTS[dtype] - 1, EXPONENTS[dtype] | 1, top, top // 2])
    last = data.draw(st.lists(st.integers(0, top) | edges, min_size=drawn, max_size=drawn))
    bits = np.concatenate([np.full(before, EXPONENTS[dtype] - 1, kind), np.array(last, kind)])
    assert is_finite(memoryview(bits.tobytes()), dtype) == slowly_finite(bits, dtype)


@pytest.mark.parametrize(
    ("tensors", "reason"),
    [
        ({"a": np.array([1.0, np.nan], np.float16)}, "'a' holds a number that is not finite"),
        ({"a": np.zeros(3, np.float32), "b": np.array([np.inf], np.float32)}, "'b' holds a number that is not finite"),
        ({"a": np.zeros(3, np.int64)}, "'a' is no tensor of F16, BF16, F32"),
        ({"a": np.zeros(3, np.float64)}, "'a' is no tensor of F16, BF16, F32"),
        ({"a": np.zeros((0, 3), np.float16), "b": np.zeros(1, np.float16)}, "'a' is no tensor"),
    ],
)
def test_weights_are_finite_floating_point_numbers(tensors: dict[str, np.ndarray], reason: str) -> None:
    with pytest.raises(PresetError, match=reason):
        count_weights(save(tensors), "policy.safetensors")


def test_a_name_that_steers_a_terminal_is_not_printed() -> None:
    content = save({"\x1b]0;title\x07" + "x" * 10_000: np.zeros(3, np.int64)})
    with pytest.raises(PresetError) as raised:
        count_weights(content, "policy.safetensors")
    assert str(raised.value).isprintable() and len(str(raised.value)) < 400
