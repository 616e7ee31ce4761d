from collections.abc import Callable

import pytest

from dropbox.padding import BadPadding, pad, unpad, unpad_offline


@pytest.mark.parametrize("length", [0, 1, 62, 63])
def test_a_padded_text_has_the_fixed_length_and_comes_back(length: int) -> None:
    text = b"\x80" * length

    assert len(pad(text, 64)) == 64
    assert unpad(pad(text, 64), 64) == unpad_offline(pad(text, 64), 64) == text


@pytest.mark.parametrize("length", [64, 65, 1000])
def test_a_text_that_does_not_fit_is_refused(length: int) -> None:
    with pytest.raises(BadPadding):
        pad(b"x" * length, 64)


@pytest.mark.parametrize(
    "damaged",
    [
        b"",
        b"\0" * 64,
        b"x" * 64,
        pad(b"x", 64) + b"\0",
        pad(b"x", 64)[:-1],
        pad(b"x", 64)[:-1] + b"\1",
        b"x\x80\1" + bytes(61),
        bytes(62) + b"\x80\1",
    ],
)
@pytest.mark.parametrize("unpadding", [unpad, unpad_offline])
def test_damaged_padding_is_refused(
    unpadding: Callable[[bytes, int], bytes], damaged: bytes
) -> None:
    with pytest.raises(BadPadding):
        unpadding(damaged, 64)
