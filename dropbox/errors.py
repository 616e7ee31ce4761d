"""Every error of Casedrop.

An error's text is the sentence the operator or the reviewer reads; by default it is the docstring
of its class. Claimants never see these texts: the front picks a translated sentence by class. No
error carries report text, file names, codenames or keys.
"""


class CasedropError(Exception):
    """Something went wrong."""

    def __str__(self) -> str:
        return super().__str__() or (type(self).__doc__ or "").strip()


class SettingsError(CasedropError):
    """The settings are missing or wrong."""


class CampaignError(CasedropError):
    """The campaign file is missing or wrong."""


class CatalogError(CasedropError):
    """A catalog with the sentences of a language is missing or wrong."""


class PageTooLong(CasedropError):
    """A page is longer than the length that all pages have."""


class KeysError(CasedropError):
    """The reviewers' public keys are missing or wrong."""


class KeyMemoryError(CasedropError):
    """The file in memory for the keys of form pages cannot be used."""


class CannotLockDown(CasedropError):
    """The kernel refused part of the lockdown; this process must not serve requests."""


class CannotSeal(CasedropError):
    """gpg did not encrypt this to exactly the expected reviewers; nothing was accepted."""


class CannotOpen(CasedropError):
    """gpg could not decrypt this with the keys on this workstation."""


class WrongPassphrase(CannotOpen):
    """That is not the passphrase of the key; nothing was done. Try again."""


class NoPassphrase(CannotOpen):
    """The window for the passphrase was closed before one was typed; nothing was done."""


class NoPinentry(CannotOpen):
    """gpg cannot ask for the passphrase: pinentry is missing (Debian package pinentry-curses)."""


class NowhereToAsk(CannotOpen):
    """gpg finds no terminal in which to ask for the passphrase; run `export GPG_TTY=$(tty)`."""


class NoSigningKey(CannotOpen):
    """The reviewer's secret key is not in this gpg directory; name another one with --home."""


class NoKeyHere(CannotOpen):
    """This is sealed to a key whose secret is not on this workstation."""


class SealedToOthers(NoKeyHere):
    """This is sealed to no key of the reviewer on this workstation."""


class Damaged(CannotOpen):
    """A key on this workstation fits this, but what is sealed is damaged."""


class OpensLarger(Damaged):
    """This opens to more bytes than it can rightly hold; it was not opened."""


class TooLarge(CasedropError):
    """The attachment is larger than the limit."""


class CutPage(CasedropError):
    """A form was sent from a page that its browser did not yet have whole."""


class VaultUnavailable(CasedropError):
    """The vault does not answer or cannot store; nothing was accepted."""


class PendingGone(CasedropError):
    """Sealed files waited too long for their report and were deleted; they must be sent again."""


class CannotStore(CasedropError):
    """The vault's disk is full or its file is damaged; nothing was stored."""


class NoRoomForFiles(CannotStore):
    """Files have taken what a day, or the disk, has for them; reports can still be stored."""


class StoreError(CasedropError):
    """This version cannot use the vault's file."""


class BadCodename(CasedropError):
    """This is not a codename."""


class BadReport(CasedropError):
    """This is not a report, or its version cannot be read here."""


class BadAnswer(CasedropError):
    """An answer to an optional question is not one that the form offers."""


class YearMissing(BadAnswer):
    """A month was chosen without its year."""


class AnswerTooLong(BadAnswer):
    """The answer to an optional question is too long."""


class BadReply(CasedropError):
    """This is not a reply, or its version cannot be read here."""


class BadPacket(CasedropError):
    """This is not an OpenPGP message, key or signature of the kind Casedrop uses."""


class BadDayKey(CasedropError):
    """This is not a day key's record of a version that can be read here."""


class BadBundle(CasedropError):
    """The bundle does not verify; none of it was used."""
