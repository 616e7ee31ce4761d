"""XChaCha20-Poly1305 by OpenSSL: the same bytes as by the book, and as by libsodium."""

import hashlib

import pytest
from nacl.bindings import crypto_aead_xchacha20poly1305_ietf_encrypt as by_libsodium

from dropbox.xchacha import NONCE_BYTES, seal

KEY = bytes(range(0x80, 0xA0))


def test_the_example_of_its_specification() -> None:
    """draft-irtf-cfrg-xchacha-03, appendix A.3."""
    text = (
        b"Ladies and Gentlemen of the class of '99: If I could offer you only one tip for the "
        b"future, sunscreen would be it."
    )
    context = bytes.fromhex("50515253c0c1c2c3c4c5c6c7")
    sealed = seal(text, context, bytes(range(0x40, 0x58)), KEY)

    assert sealed[:16].hex() == "bd6d179d3e83d43b9576579493c0e939"
    assert sealed[-16:].hex() == "c0875924c1c7987947deafd8780acf49"


@pytest.mark.parametrize("length", [0, 1, 63, 64, 65, 65_496])
def test_libsodium_makes_the_same_whatever_key_nonce_and_length(length: int) -> None:
    for number in range(20):
        key, rest = (hashlib.sha256(bytes([number, part])).digest() for part in (0, 1))
        nonce, payload = rest[:NONCE_BYTES], rest * (length // 32) + rest[: length % 32]

        assert seal(payload, b"c", nonce, key) == by_libsodium(payload, b"c", nonce, key)


@pytest.mark.parametrize("nonce", [b"\0" * 24, b"\xff" * 24, b"\xff" * 8 + b"\0" * 16])
def test_no_nonce_overflows_a_counter(nonce: bytes) -> None:
    assert seal(b"payload", b"", nonce, KEY) == by_libsodium(b"payload", b"", nonce, KEY)


@pytest.mark.parametrize("length", [0, 12, 23, 25])
def test_a_nonce_of_another_length_is_refused(length: int) -> None:
    with pytest.raises(ValueError, match="24 bytes"):
        seal(b"payload", b"", bytes(length), KEY)
