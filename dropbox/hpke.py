"""HPKE (RFC 9180) with the hybrid of ML-KEM-768 and X25519: a few bytes sealed to a public key.

Whoever wants to open them has to break both, so what is recorded today stays shut even when X25519
falls. This is the only module that imports ``cryptography``: PyNaCl has no key encapsulation.
"""

import hashlib
from dataclasses import dataclass
from functools import cached_property
from typing import Self

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.mlkem import MLKEM768PrivateKey, MLKEM768PublicKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.hpke import (
    AEAD,
    KDF,
    KEM,
    MLKEM768X25519PrivateKey,
    MLKEM768X25519PublicKey,
    Suite,
)

from dropbox.errors import CannotSeal, Damaged, KeysError

# An encoded ML-KEM-768 key (FIPS 203) followed by one of X25519.
_ML_KEM_PUBLIC, _X25519 = 1_184, 32
PUBLIC_BYTES = _ML_KEM_PUBLIC + _X25519
# A seed of ML-KEM, from which both its halves are made, followed by a secret of X25519.
_ML_KEM_SEED = 64
SECRET_BYTES = _ML_KEM_SEED + _X25519
# The encapsulated secrets (1,088 and 32 bytes) and the tag of ChaCha20-Poly1305.
OVERHEAD_BYTES = 1_088 + 32 + 16
KEY_ID_BYTES = 8

_KEY_ID = b"cd2:hpke-key-id"


def _suite() -> Suite:
    return Suite(KEM.MLKEM768_X25519, KDF.HKDF_SHA256, AEAD.CHACHA20_POLY1305)


@dataclass(frozen=True)
class PublicKey:
    """A public key of PUBLIC_BYTES. Raises KeysError for other bytes."""

    raw: bytes

    def __post_init__(self) -> None:
        # Reading it here, and not when the first report comes, lets a damaged key stop the start.
        self._key  # noqa: B018 - read once for all

    @cached_property
    def _key(self) -> MLKEM768X25519PublicKey:
        if len(self.raw) != PUBLIC_BYTES:
            raise KeysError(f"An HPKE public key has {PUBLIC_BYTES} bytes.")
        try:
            return MLKEM768X25519PublicKey(
                MLKEM768PublicKey.from_public_bytes(self.raw[:_ML_KEM_PUBLIC]),
                X25519PublicKey.from_public_bytes(self.raw[_ML_KEM_PUBLIC:]),
            )
        except ValueError:
            raise KeysError("This is not an HPKE public key of ML-KEM-768 and X25519.") from None

    @cached_property
    def key_id(self) -> bytes:
        """KEY_ID_BYTES of a hash of the key, by which whoever has the secret half finds it."""
        return hashlib.blake2b(self.raw, person=_KEY_ID, digest_size=KEY_ID_BYTES).digest()

    def seal(self, plain: bytes, info: bytes) -> bytes:
        """*plain* sealed to this key and bound to *info*, OVERHEAD_BYTES longer.

        Raises CannotSeal.
        """
        try:
            return _suite().encrypt(plain, self._key, info)
        except ValueError:
            # X25519 refuses a public key to which every secret gives the same result.
            raise CannotSeal("Nothing can be sealed to this HPKE key.") from None


@dataclass(frozen=True, repr=False)
class SecretKey:
    """A secret key of SECRET_BYTES. No repr. Raises KeysError for another length."""

    raw: bytes

    def __post_init__(self) -> None:
        if len(self.raw) != SECRET_BYTES:
            raise KeysError(f"An HPKE secret key has {SECRET_BYTES} bytes.")

    @classmethod
    def generate(cls) -> Self:
        """A fresh key."""
        ml_kem, x25519 = MLKEM768PrivateKey.generate(), X25519PrivateKey.generate()
        return cls(ml_kem.private_bytes_raw() + x25519.private_bytes_raw())

    @cached_property
    def _keys(self) -> tuple[MLKEM768PrivateKey, X25519PrivateKey]:
        return (
            MLKEM768PrivateKey.from_seed_bytes(self.raw[:_ML_KEM_SEED]),
            X25519PrivateKey.from_private_bytes(self.raw[_ML_KEM_SEED:]),
        )

    @cached_property
    def public(self) -> PublicKey:
        """Its public half."""
        ml_kem, x25519 = self._keys
        return PublicKey(
            ml_kem.public_key().public_bytes_raw() + x25519.public_key().public_bytes_raw()
        )

    def open(self, sealed: bytes, info: bytes) -> bytes:
        """What was sealed to this key with the same *info*. Raises Damaged for anything else."""
        try:
            return _suite().decrypt(sealed, MLKEM768X25519PrivateKey(*self._keys), info)
        except (InvalidTag, ValueError):
            raise Damaged("This was not sealed to this HPKE key, or it was altered.") from None
