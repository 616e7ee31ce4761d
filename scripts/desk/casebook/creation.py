"""A new casebook: its directory, its file, and what identifies it."""

import secrets
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path

from dropbox.campaign import Campaign
from dropbox.durable_file import give_name, write_new
from dropbox.packets import PublicKey
from dropbox.reply import DESKS
from dropbox.system_error import explained
from scripts.desk.casebook import custody, schema
from scripts.desk.casebook.casebook import ATTACHMENTS, CAMPAIGN, FILE, VERSION, refuse_file
from scripts.desk.casebook.custody import origin
from scripts.desk.casebook.file import CasebookError, opened, refuse_others

_SAMPLE_KEY_BYTES = 32


def create(
    directory: Path,
    *,
    server_key: bytes,
    campaign: Path,
    desk: int,
    reviewers: Mapping[str, PublicKey] | None = None,
) -> None:
    """Make an empty casebook in *directory*, which is made (0700) if absent.

    *server_key* (32 bytes) is the server's export key, *campaign* the campaign's file (a copy is
    kept inside), *desk* the number (from 0) that no other desk of this drop has, *reviewers* the
    public keys, by name, of those who work with it. Raises CasebookError or CampaignError.
    """
    if not 0 <= desk < DESKS:
        raise CasebookError(f"The desk's number is from 0 to {DESKS - 1}.")
    if len(server_key) != 32:
        raise CasebookError("The server's export key is 64 hex digits.")
    code = Campaign.read(campaign).code
    refuse_file(directory)
    # A failure undoes everything, so that the same command can be run again.
    with ExitStack() as undo:
        _make_directory(directory, undo)
        refuse_others(directory)
        if (directory / FILE).exists():
            raise CasebookError(f"There is a casebook in {directory} already.")
        _make_directory(directory / ATTACHMENTS, undo)
        write_new(directory / CAMPAIGN, campaign.read_bytes())
        undo.callback((directory / CAMPAIGN).unlink)
        # Under another name until it is complete: an interrupted run leaves no half casebook.
        made = directory / (FILE + ".part")
        journal = made.with_name(made.name + "-journal")
        made.unlink(missing_ok=True)
        for path in (made, journal):
            undo.callback(path.unlink, missing_ok=True)
        with opened(made) as database:
            # In one transaction, because SQLite waits for the disk after each.
            database.conn.executescript(f"BEGIN;\n{schema.script(*schema.CASEBOOK)}\nCOMMIT;")
            meta = {"version": VERSION, "campaign": code, "server_key": server_key, "desk": desk}
            meta["sample_key"] = secrets.token_bytes(_SAMPLE_KEY_BYTES)
            pinned = custody.reviewer_rows(reviewers or {})
            database.table("reviewer").insert_all(pinned)
            database.table("meta").insert({**meta, "origin": origin(meta, pinned)})
            schema.set_version(database.conn, VERSION)
        journal.unlink(missing_ok=True)
        give_name(made, directory / FILE)
        undo.pop_all()


def _make_directory(directory: Path, undo: ExitStack) -> None:
    if directory.is_dir():
        return
    try:
        directory.mkdir(mode=0o700, parents=True)
    except OSError as why:
        raise CasebookError(f"{directory} cannot be made: {explained(why)}") from None
    undo.callback(directory.rmdir)
