"""HPKE: what is sealed opens with its secret and info alone, and is what RFC 9180 says."""

import hashlib
import hmac

import pytest
from cryptography.hazmat.primitives.asymmetric.mlkem import MLKEM768PrivateKey
from hypothesis import given
from hypothesis import strategies as st
from nacl.bindings import crypto_aead_chacha20poly1305_ietf_decrypt as aead_open
from nacl.bindings import crypto_scalarmult
from support.examples import examples

from dropbox.errors import CannotOpen, CannotSeal, KeysError
from dropbox.hpke import KEY_ID_BYTES, OVERHEAD_BYTES, PUBLIC_BYTES, PublicKey, SecretKey

SECRET = SecretKey(bytes(range(96)))
INFO = b"a test\0"


@given(st.binary(max_size=200), st.binary(max_size=100))
@examples(25)
def test_what_is_sealed_comes_back_and_has_a_fixed_overhead(plain: bytes, info: bytes) -> None:
    sealed = SECRET.public.seal(plain, info)

    assert len(sealed) == len(plain) + OVERHEAD_BYTES
    assert SECRET.open(sealed, info) == plain
    assert SECRET.public.seal(plain, info) != sealed


@pytest.mark.parametrize("at", [0, 500, 1_087, 1_088, 1_119, 1_120, -17, -1])
def test_one_altered_bit_anywhere_opens_nothing(at: int) -> None:
    sealed = bytearray(SECRET.public.seal(b"k" * 32, INFO))
    sealed[at] ^= 1

    with pytest.raises(CannotOpen):
        SECRET.open(bytes(sealed), INFO)


@pytest.mark.parametrize("half", ["ML-KEM-768", "X25519"])
def test_each_half_of_another_key_opens_nothing(half: str) -> None:
    """Whoever breaks one of the two still lacks the other."""
    sealed = SECRET.public.seal(b"k" * 32, INFO)
    other = bytearray(SECRET.raw)
    other[10 if half == "ML-KEM-768" else 70] ^= 4

    assert SecretKey(bytes(other)).public != SECRET.public
    with pytest.raises(CannotOpen):
        SecretKey(bytes(other)).open(sealed, INFO)


def test_another_info_and_another_length_open_nothing() -> None:
    sealed = SECRET.public.seal(b"k" * 32, INFO)

    for untrusted, info in (
        (sealed, b"another"),
        (sealed, b""),
        (sealed[:-1], INFO),
        (sealed + b"\0", INFO),
        (sealed[:1_120], INFO),
        (sealed[:7], INFO),
        (b"", INFO),
        (bytes(len(sealed)), INFO),
    ):
        with pytest.raises(CannotOpen):
            SECRET.open(untrusted, info)


@pytest.mark.parametrize(
    "raw",
    [b"", SECRET.public.raw[:-1], SECRET.public.raw + b"\0", b"\xff" * PUBLIC_BYTES],
    ids=["empty", "short", "long", "not reduced"],
)
def test_bytes_that_are_no_public_key_are_refused_when_they_are_read(raw: bytes) -> None:
    with pytest.raises(KeysError, match="HPKE public key"):
        PublicKey(raw)


def test_a_public_key_to_which_every_secret_is_the_same_seals_nothing() -> None:
    low_order = PublicKey(SECRET.public.raw[:-32] + bytes(32))

    with pytest.raises(CannotSeal):
        low_order.seal(b"k" * 32, INFO)


@pytest.mark.parametrize("length", [0, 64, 95, 97])
def test_a_secret_of_another_length_is_refused(length: int) -> None:
    with pytest.raises(KeysError):
        SecretKey(bytes(length))


def test_keys_are_fresh_have_different_ids_and_do_not_show_themselves() -> None:
    one, two = SecretKey.generate(), SecretKey.generate()

    assert one.raw != two.raw and one.public.key_id != two.public.key_id
    assert len(one.public.key_id) == KEY_ID_BYTES and len(one.public.raw) == PUBLIC_BYTES
    assert SecretKey(one.raw).public == one.public
    assert one.raw.hex() not in repr(one) and repr(one.raw) not in repr(one)


def test_a_key_id_does_not_change_between_versions() -> None:
    assert SECRET.public.key_id.hex() == "e686f18d3b940d29"


def hkdf_extract(salt: bytes, material: bytes) -> bytes:
    return hmac.digest(salt or bytes(32), material, "sha256")


def hkdf_expand(key: bytes, info: bytes, length: int) -> bytes:
    assert length <= 32
    return hmac.digest(key, info + b"\1", "sha256")[:length]


def opened_by_the_book(secret: bytes, sealed: bytes, info: bytes) -> bytes:
    """RFC 9180, section 5.1 and 6.1, written once more, with the combiner of X-Wing as its KEM."""
    ml_kem, x25519 = MLKEM768PrivateKey.from_seed_bytes(secret[:64]), secret[64:]
    ml_kem_share, x_share = sealed[:1_088], sealed[1_088:1_120]
    x_public = crypto_scalarmult(x25519, (9).to_bytes(32, "little"))
    shared = hashlib.sha3_256(
        ml_kem.decapsulate(ml_kem_share)
        + crypto_scalarmult(x25519, x_share)
        + x_share
        + x_public
        + bytes.fromhex("5c2e2f2f5e5c")  # X-Wing's label
    ).digest()
    suite = b"HPKE" + bytes.fromhex("647a 0001 0003")

    def extract(salt: bytes, label: bytes, material: bytes) -> bytes:
        return hkdf_extract(salt, b"HPKE-v1" + suite + label + material)

    def expand(key: bytes, label: bytes, context: bytes, length: int) -> bytes:
        head = length.to_bytes(2, "big") + b"HPKE-v1" + suite + label
        return hkdf_expand(key, head + context, length)

    context = b"\0" + extract(b"", b"psk_id_hash", b"") + extract(b"", b"info_hash", info)
    schedule = extract(shared, b"secret", b"")
    key, nonce = expand(schedule, b"key", context, 32), expand(schedule, b"base_nonce", context, 12)
    return aead_open(sealed[1_120:], b"", nonce, key)


def test_it_is_what_rfc_9180_says() -> None:
    """So that another program can still open it when this library is gone."""
    sealed = SECRET.public.seal(b"k" * 32, INFO)

    assert opened_by_the_book(SECRET.raw, sealed, INFO) == b"k" * 32
