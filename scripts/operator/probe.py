"""Files a marked test report through the onion, as a claimant would; for a timer, once a day.

    casedrop probe --settings FILE [--socks PORT|PATH] [--probe-folder DIR] [--key FILE]
    casedrop probe --settings FILE --new-key

It first logs in with the codename of the previous test report, which is then forgotten. The desk
leaves test reports out. `casedrop status` shows the outcome, and failing twice is an alarm.

Exit codes: 0 when the drop has accepted it, 1 when it has not, 2 when it could not be tried.
"""

from __future__ import annotations

import argparse
import os
import sys
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from dropbox.errors import CasedropError
from scripts.command_line import DONE, FOUND, CannotRun
from scripts.operator import site
from scripts.operator.export_key import read_export_key

if TYPE_CHECKING:
    from dropbox.campaign import Campaign
    from dropbox.codename import Codename, Cost, WordLists
    from dropbox.probe_mark import ProbeKey
    from dropbox.settings import Settings
    from scripts.operator.visit import Page, Visit

HELP = "file a marked test report through the onion, which the desk leaves out"
_KEY_BYTES = 2**10
# Debian's tor has its socket there; any other tor uses this port.
_DEBIAN_SOCKS, _SOCKS_PORT = Path("/run/tor/socks"), 9050
_OK = 200


class ProbeFailed(CasedropError):
    """The drop did not accept a test report."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Its arguments."""
    site.add_settings(parser)
    site.add_probe_folder(parser)
    parser.add_argument(
        "--socks",
        type=_socks,
        metavar="PORT|PATH",
        help="the SocksPort of a tor on this computer: a port of 127.0.0.1, or a unix socket; by "
        f"default {_DEBIAN_SOCKS} where it exists, else {_SOCKS_PORT}",
    )
    parser.add_argument(
        "--key",
        type=Path,
        metavar="FILE",
        help="the key for test reports; by default probe.key beside the export key",
    )
    parser.add_argument(
        "--new-key",
        action="store_true",
        help="only make the key for test reports, with the export key; nothing is filed",
    )


def run(asked: argparse.Namespace) -> int:
    """File one. Returns the exit code. Raises SettingsError, CannotRun or OSError."""
    # Imported only when the command runs, so that a missing package becomes a sentence.
    from dropbox.campaign import Campaign  # noqa: PLC0415
    from dropbox.codename import COST, WordLists  # noqa: PLC0415
    from dropbox.probe_mark import KEY_FILE  # noqa: PLC0415
    from dropbox.settings import FILE_VARIABLE, Settings  # noqa: PLC0415
    from scripts.operator.probe_record import ProbeRecord  # noqa: PLC0415
    from scripts.operator.visit import TorVisit, VisitFailed  # noqa: PLC0415

    file: Path = asked.settings.absolute()
    settings = Settings.load({**os.environ, FILE_VARIABLE: str(file)})
    key_file: Path = asked.key or settings.export_key.with_name(KEY_FILE)
    if asked.new_key:
        _make_key(settings.export_key, key_file)
        return DONE
    folder = site.probe_folder(asked, file)
    folder.mkdir(mode=0o700, exist_ok=True)
    if folder.stat().st_uid != os.geteuid():
        # Its owner could not read what root writes there.
        raise CannotRun(
            f"{folder} belongs to another user. With the Debian package, systemctl start "
            "casedrop-probe files a test report."
        )
    campaign = Campaign.read(settings.campaign)
    prober = Prober(settings, campaign, WordLists.read(), _read_key(key_file), COST)
    record, today = ProbeRecord.read(folder), datetime.now(UTC).date()
    socks = asked.socks or (_DEBIAN_SOCKS if _DEBIAN_SOCKS.exists() else _SOCKS_PORT)
    try:
        if record.codename is not None:
            prober.log_in(TorVisit(settings.onion, socks), record.codename)
            record = record.after_login()
        codename = prober.file(TorVisit(settings.onion, socks), today)
    except (ProbeFailed, VisitFailed) as why:
        record.after_failure(str(why), today).write(folder)
        print(f"The test report was not accepted: {why}", file=sys.stderr)
        return FOUND
    record.after_success(codename, today).write(folder)
    print("The drop has accepted a test report.")
    return DONE


@dataclass(frozen=True, repr=False)
class Prober:
    """Files test reports at the drop with these settings; *cost* is that of its codenames."""

    settings: Settings
    campaign: Campaign
    words: WordLists
    key: ProbeKey
    cost: Cost

    def file(self, visit: Visit, today: date) -> Codename:
        """File a test report of *today*, and return its codename.

        Raises ProbeFailed or VisitFailed.
        """
        from dropbox.codename import derive_keys  # noqa: PLC0415
        from scripts.operator.visit import Form  # noqa: PLC0415

        language = self.settings.languages[0]
        page = visit.get(self._path("report"))
        form = Form.of(_good(page, "The report page"))
        codename = self._codename(form.typed)
        report = self.key.report(
            derive_keys(codename, salt=self.settings.salt, cost=self.cost),
            campaign=self.campaign.code,
            category=self.campaign.unsure,
            language=language,
            day=today,
        )
        sent = form.filled(category=report.category, text=report.text, act="send")
        answer = Form.of(_good(visit.send(form.action, sent), "Sending the report"))
        # If the form comes back, it says what is wrong, or asks something.
        if answer.action or self._codename(answer.typed) != codename:
            raise ProbeFailed("The report page came again instead of the one that says it is sent.")
        return codename

    def log_in(self, visit: Visit, codename: Codename) -> None:
        """Open the inbox with a codename. Raises ProbeFailed or VisitFailed."""
        from scripts.operator.visit import Form  # noqa: PLC0415

        words = self.words.spell(codename, "en")
        form = Form.of(_good(visit.get(self._path("inbox")), "The inbox"))
        typed = " ".join(word.typed for word in words)
        answer = visit.send(form.action, form.filled(codename=typed, act="send"))
        if Form.of(_good(answer, "Logging in")).action != self._path("case"):
            raise ProbeFailed("The codename of the test report before does not open its inbox.")

    def _path(self, page: str) -> str:
        return f"/{self.settings.languages[0].lower()}/{page}"

    def _codename(self, typed: list[str]) -> Codename:
        from dropbox.errors import BadCodename  # noqa: PLC0415

        try:
            return self.words.read_codename(" ".join(typed))
        except BadCodename:
            raise ProbeFailed("The page shows no codename.") from None


def _good(page: Page, what: str) -> Page:
    if page.status != _OK:
        raise ProbeFailed(f"{what} is answered with {page.status}.")
    return page


def _socks(text: str) -> Path | int:
    """A path that begins with a slash, or a port."""
    if text.startswith("/"):
        return Path(text)
    if text.isascii() and text.isdecimal() and 0 < int(text) < 2**16:
        return int(text)
    raise argparse.ArgumentTypeError(f"{text!r} is neither a port nor a path from /.")


def _read_key(path: Path) -> ProbeKey:
    from dropbox.probe_mark import BadProbeKey, ProbeKey  # noqa: PLC0415

    try:
        with path.open("rb") as file:
            return ProbeKey.from_bytes(file.read(_KEY_BYTES))
    except FileNotFoundError:
        raise CannotRun(
            f"There is no key for test reports at {path}: `casedrop setup` makes it, or, where the "
            "export key can be read, `casedrop probe --new-key`."
        ) from None
    except BadProbeKey:
        raise CannotRun(f"{path} is damaged: remove it, and make a new one.") from None


def _make_key(export_key: Path, path: Path) -> None:
    from dropbox.durable_file import write_new  # noqa: PLC0415
    from dropbox.probe_mark import ProbeKey  # noqa: PLC0415

    if path.exists():
        raise CannotRun(f"{path} exists already; nothing was changed.")
    write_new(path, ProbeKey.make(read_export_key(export_key)).to_bytes())
    print(f"The key for test reports is in {path}.")
