"""The reviewer at work: everybody who reads or writes cases does so as a reviewer.

That reviewer's key signs the lines of the custody log that record it.
"""

import argparse
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime

from dropbox.campaign import Campaign
from dropbox.errors import CasedropError
from dropbox.gpg_agent import refuse_closed
from dropbox.openpgp import Opener
from dropbox.packets import PublicKey, dearmor
from dropbox.pinned_keys import read_pinned_keys, read_pins
from dropbox.reviewer_key import export_public
from scripts.desk.case import Case
from scripts.desk.casebook import custody
from scripts.desk.casebook.casebook import Casebook
from scripts.desk.casebook.custody import Session
from scripts.desk.review.judgement import ReviewError
from scripts.terminal import name_terminal


class DeskError(CasedropError):
    """The desk cannot do this."""


@dataclass(frozen=True)
class Viewer:
    """The reviewer who looks at cases, the reviewers' names, and the language of the labels."""

    reviewer: str
    names: Mapping[str, str]
    campaign: Campaign
    language: str

    def name(self, reviewer: str) -> str:
        """A reviewer's public name, or the fingerprint if the casebook knows no name."""
        return self.names.get(reviewer, reviewer)

    def label(self, listed: str, code: str) -> str:
        """A code with its label, "" for no code."""
        return (
            f"{code} {self.campaign.reviewing.label(listed, code, self.language)}" if code else ""
        )


def today() -> date:
    """The day in UTC, as everywhere in Casedrop."""
    return datetime.now(UTC).date()


def opener(asked: argparse.Namespace) -> Opener:
    """The secret keys in --home. Raises DeskError if none was given."""
    if asked.home is None:
        raise DeskError(
            "This needs the reviewer's secret keys: name gpg's directory with --home DIR, or in "
            "the environment variable GNUPGHOME."
        )
    refuse_closed(asked.home)
    name_terminal()
    return Opener(asked.home)


@contextmanager
def working(asked: argparse.Namespace) -> Iterator[Casebook]:
    """The casebook, open for the reviewer in --home, in whose name the custody log records acts.

    Raises DeskError if there is no secret key of a reviewer whom the casebook knows, or CannotOpen
    if the key cannot sign.
    """
    with unsigned(asked) as (casebook, secret, reviewer):
        casebook.session = Session(
            casebook.database, casebook.origin, reviewer, lambda data: secret.sign(data, reviewer)
        )
        yield casebook


@contextmanager
def unsigned(asked: argparse.Namespace) -> Iterator[tuple[Casebook, Opener, str]]:
    """The casebook, the secret keys in --home, and whose they are, for acts that are not logged.

    Raises DeskError as :func:`working` does.
    """
    with Casebook.open(asked.casebook) as casebook:
        secret = opener(asked)
        yield casebook, secret, _reviewer(casebook, secret, asked.reviewer)


def _reviewer(casebook: Casebook, secret: Opener, named: str) -> str:
    known = {key.fingerprint for key in custody.pinned(casebook.database).values()}
    here = [
        fingerprint for fingerprint in secret.secret_fingerprints() if named in ("", fingerprint)
    ]
    found = [fingerprint for fingerprint in here if fingerprint in known]
    if len(found) > 1:
        raise DeskError(
            f"There are {len(found)} reviewers' keys here; name your own with --reviewer."
        )
    if not found:
        raise DeskError(
            "There is no secret key here of any reviewer whom this casebook knows; see `reviewers`."
        )
    return found[0]


def own_case(casebook: Casebook, name: str) -> Case:
    """The case with this name. Raises ReviewError if the reviewer at work gave it away."""
    case = casebook.case(casebook.names.find(name))
    try:
        casebook.layers.of(case).refuse_conflicted(at_desk(casebook))
    except ReviewError as why:
        # The sentence names it: it may be one of many.
        raise ReviewError(f"{case.name}: {why}") from None
    return case


def at_desk(casebook: Casebook) -> str:
    """The fingerprint of the reviewer for whom :func:`working` opened the casebook."""
    assert casebook.session is not None
    return casebook.session.reviewer


def names(casebook: Casebook) -> dict[str, str]:
    """The reviewers' public names by fingerprint."""
    return {key.fingerprint: name for name, key in custody.pinned(casebook.database).items()}


def viewer(casebook: Casebook, language: str) -> Viewer:
    """The reviewer at work, who reads labels in *language*."""
    return Viewer(at_desk(casebook), names(casebook), casebook.campaign, language)


def named_reviewers(asked: argparse.Namespace) -> dict[str, PublicKey]:
    """The public keys in --keys by name, or else those whose secret keys are in --home.

    Raises DeskError or KeysError.
    """
    if asked.keys is not None:
        files = read_pins(asked.keys)
        return {
            files[key.fingerprint].removesuffix(".asc"): key for key in read_pinned_keys(asked.keys)
        }
    if asked.home is None:
        raise DeskError(
            "Name the reviewers' public keys with --keys DIR, or gpg's directory with --home DIR "
            "or in the environment variable GNUPGHOME."
        )
    found = opener(asked).secret_fingerprints()
    keys = [
        PublicKey.read(dearmor(export_public(asked.home, fingerprint))) for fingerprint in found
    ]
    return {f"reviewer-{number}": key for number, key in enumerate(keys, 1)}
