"""What the report page and the case page share: receiving a text and files, and filing them."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from flask import g, request
from flask_babel import lazy_gettext as _
from werkzeug.datastructures import MultiDict

from dropbox.errors import (
    BadReport,
    CannotSeal,
    CannotStore,
    CutPage,
    PendingGone,
    VaultUnavailable,
)
from dropbox.front.arrived_files import ArrivedFile
from dropbox.front.circuit_limits import What
from dropbox.front.form_token import ForgedToken, FormState
from dropbox.front.forms import OpenedToken
from dropbox.front.intake import BoundedSealer, Draft, Intake
from dropbox.front.multipart import stream_of
from dropbox.front.pages import Pages
from dropbox.front.personal_data import find_personal_data
from dropbox.front.photo_sealing import Photo, PhotoSealer
from dropbox.front.uploads import Busy, ReceivedForm, TooMuch, Trouble, no_files, receive
from dropbox.report import Attachment
from dropbox.settings import Settings

# Set by the front's worker in the WSGI environment of an upload for which it has no thread; no
# header of a request can set it.
NO_PLACE = "casedrop.busy"

# The buttons that answer a question: send the text as it is, give up the missing files, I did not
# see that this was sent before.
AS_IS, WITHOUT, UNSENT = "as-is", "without", "unsent"
# Send photographs without what they record besides the picture.
STRIP = "strip"

# The buttons that send what was written.
SENDING = ("send", AS_IS, WITHOUT, UNSENT, STRIP)

# A problem: the field it belongs to ("" for the whole page) and the sentence.
Problem = tuple[str, Any]

NOT_ACCEPTED = _(
    "Your report was NOT accepted: the server cannot store it safely right now. "
    "Nothing was stored. Everything you wrote is still here; please try again later."
)
BUSY = _(
    "The server is busy. Nothing was stored. Everything you wrote is still here; please try again "
    "in a few minutes."
)
TOO_MUCH = _(
    "Too much was sent in a short time. Nothing was stored. Everything you wrote is still here; "
    "please try again in %(minutes)s minutes."
)
_FILES_GONE = _("Your files are no longer on the server. Please add them again.")
_MISSING = _(
    "These files are not here: %(names)s. Please add them again if they are to go with the rest."
)
_TOO_LONG = _("Your text is too long. Please shorten it.")

# The sentence and the HTTP status for each trouble with a posted form. %(name)s is the file's name.
_TROUBLES: dict[Trouble, tuple[Any, int]] = {
    Trouble.FILE_TOO_LARGE: (
        _(
            "The file “%(name)s” is larger than %(megabytes)s MB and was not accepted. Please cut "
            "it into parts, with 7-Zip for example, and add a few at a time."
        ),
        413,
    ),
    Trouble.TOO_MANY_FILES: (
        _(
            "At most %(files)s files can be sent at once. The first ones were accepted, the others "
            "were not: please send these first, and then add the others under the same codename."
        ),
        413,
    ),
    Trouble.NAME_TOO_LONG: (
        _("The name of the file “%(name)s…” is too long. Please rename the file and add it again."),
        400,
    ),
    Trouble.POST_TOO_LARGE: (
        _(
            "All files together are too large to send at once: at most %(total)s MB. Those listed "
            "below were accepted. Please add the others with the button “Add these files”, a few "
            "at a time."
        ),
        413,
    ),
    Trouble.TEXTS_TOO_LONG: (
        _(
            "Your text is far too long and was cut off. Please use your browser’s Back button to "
            "see all of it, and send it as a file."
        ),
        413,
    ),
    Trouble.NOT_UTF8: (
        _("Your text arrived damaged, with characters that cannot be read. Please check it."),
        400,
    ),
    Trouble.BROKEN_OFF: (
        _(
            "The connection was lost, or the form arrived damaged. Nothing was sent to the "
            "reviewers. What arrived is below; please check it and send it again."
        ),
        400,
    ),
    Trouble.BUSY: (
        _(
            "The server is busy receiving other people’s files. Your text is still here. Please "
            "add your files again in a few minutes."
        ),
        503,
    ),
    Trouble.TOO_MUCH: (
        _(
            "Too many files were sent in a short time. Your text is still here. Please add your "
            "files again in %(minutes)s minutes."
        ),
        429,
    ),
    Trouble.NO_ROOM: (
        _(
            "The server has no room for more files today. Your text is still here: you can send it "
            "without the files, and add them tomorrow under the same codename."
        ),
        503,
    ),
    Trouble.NOT_ACCEPTED: (NOT_ACCEPTED, 503),
}


# In place of the sentence above when no file was accepted.
_NONE_FITTED = _(
    "All files together are too large to send at once: at most %(total)s MB. None of them was "
    "accepted. Please add them with the button “Add these files”, a few at a time."
)


def busy_sentence(why: Busy) -> Any:
    """What to say when the server is busy or a circuit's allowance is used up."""
    return str(TOO_MUCH) % {"minutes": why.minutes} if isinstance(why, TooMuch) else BUSY


class _Allowance:
    """Whether the files of one request are within the allowance, and if not, for how long."""

    def __init__(self, intake: Intake) -> None:
        self._intake = intake
        self._refusal: Busy | None = None

    @property
    def minutes(self) -> int:
        """How many minutes until there is enough again."""
        return self._refusal.minutes if isinstance(self._refusal, TooMuch) else 0

    def charge(self, what: What, amount: int, *, visit: bytes = b"") -> None:
        """Count; once it is too much, further files are refused."""
        try:
            self._intake.charge(what, amount, visit=visit)
        except TooMuch as why:
            if why.minutes >= self.minutes:
                self._refusal = why
        except Busy as why:
            self._refusal = why

    def open_sealer(self) -> BoundedSealer:
        """See dropbox.front.intake.Intake. Raises Busy, TooMuch among it."""
        if self._refusal:
            raise self._refusal
        return self._intake.open_sealer()


def with_missing(problems: Sequence[Problem], state: FormState) -> Sequence[Problem]:
    """*problems*, if there are any, and one more that names the missing files."""
    if not problems or not state.missing:
        return problems
    names = ", ".join(state.missing)
    return [*problems, ("files", str(_MISSING) % {"names": names})]


@dataclass(frozen=True, repr=False)
class Question:
    """What to ask before sending; a field is empty if there is nothing to ask about it.

    ``sent_before``: ask whether its writer saw that it was sent; why that is asked ("left" or
    "old"). ``missing``: the names of files that are not there. ``personal_data``: its kinds in the
    text. ``earlier``: the names of files that had arrived from the same page before its answer was
    lost. ``photos``: (name, traces, whether they can be removed) for each photograph that has some.
    """

    sent_before: str = ""
    missing: Sequence[str] = ()
    personal_data: Sequence[str] = ()
    photos: Sequence[tuple[str, Sequence[str], bool]] = ()
    earlier: Sequence[str] = ()


def question_before_sending(
    state: FormState, text: str, act: str
) -> tuple[Question | None, FormState]:
    """The next question to a writer who pressed *act*, if any, and the state to go on with.

    Whether it may be stored already, and what is missing, is asked each time until the button that
    answers it is pressed; personal data, in the text and in photographs, is asked about once.
    """
    if state.maybe_sent and act != UNSENT:
        return Question(sent_before="old"), state
    state = state.as_sent_before(False)
    if state.missing and act != WITHOUT:
        return Question(missing=state.missing), state
    state = state.without_missing()
    if act == STRIP:
        state = state.with_stripped_photos()
        if state.photos:
            return Question(photos=_named_photos(state)), state
    elif act != AS_IS:
        found = [] if state.asked else find_personal_data(text)
        fresh = not all(photo.asked for photo in state.photos)
        if found or fresh:
            photos = _named_photos(state) if fresh else ()
            return Question(personal_data=found, photos=photos), state.after_asking()
    return None, state.with_photos_as_they_are()


def _named_photos(state: FormState) -> list[tuple[str, Sequence[str], bool]]:
    names = {file.block_key: file.name for file in state.attachments}
    return [(names[photo.of], photo.traces, photo.stripped is not None) for photo in state.photos]


@dataclass(frozen=True, repr=False)
class PostedPage:
    """A posted page: its texts, opened token, state including newly arrived files, and problems."""

    texts: MultiDict[str, str]
    token: OpenedToken
    state: FormState
    problems: Sequence[Problem]
    status: int
    # The names of files that had arrived before, from the same page, which does not show them.
    earlier: Sequence[str] = ()


@dataclass(frozen=True, repr=False)
class Refusal:
    """Why a draft was not filed, and the state to show the page with again."""

    problem: Problem
    status: int
    state: FormState


class SubmissionHandler:
    """Receives and files what the page called *page* sends."""

    def __init__(self, page: str, pages: Pages, intake: Intake, settings: Settings) -> None:
        self._page = page
        self._tokens = pages.tokens
        self._arrived = pages.arrived
        self._intake = intake
        self._settings = settings

    def receive(self) -> PostedPage:
        """Read the request: texts into memory, files into sealing. Raises CutPage."""
        opened: list[OpenedToken] = []
        arrived: list[ArrivedFile] = []
        length = request.content_length or 0
        allowance = _Allowance(self._intake)

        def files_left(texts: MultiDict[str, str]) -> int:
            opened.append(self._opened(texts))
            allowance.charge(What.FORM_BYTES, length, visit=opened[0].state.visit)
            return self._settings.files - len(opened[0].state.attachments)

        def finished(file: Attachment, photo: Photo | None) -> None:
            arrived.append(ArrivedFile(file, photo))
            # At once: should the connection die, the same page comes again without this file.
            if not isinstance(opened[0].trouble, ForgedToken):
                self._arrived.keep(opened[0].state.nonce, arrived[-1])

        allowance.charge(What.BYTES, length)
        # There was no thread for an upload: only its beginning is here, and the texts are in that.
        busy = request.environ.get(NO_PLACE, False)
        # A request that only gets its text back does not wait for its files either.
        reads_on = not busy and "refused" not in g
        received = receive(
            stream_of(request),
            request.headers.get("Content-Type", ""),
            limit_bytes=self._settings.post_bytes,
            files_left=files_left,
            open_sealer=no_files if busy else lambda: PhotoSealer(allowance.open_sealer, finished),
            drains=self._intake.drains if reads_on else None,
        )
        # As it was when the files began to arrive: they may take longer than a page is valid.
        token = opened[0] if opened else self._opened(received.texts)
        if not isinstance(token.trouble, ForgedToken) and self._tokens.was_left(token.state):
            token = OpenedToken.left()
        if received.cut_page:
            # A missing field was not emptied by its writer, so nothing is taken from it.
            self._abandon(token.state, arrived)
            raise CutPage
        state, earlier = self._with_arrived(token, received, arrived)
        status = max((_TROUBLES[trouble][1] for trouble, _name in received.troubles), default=200)
        return PostedPage(
            received.texts,
            token,
            state,
            [self._problem(*trouble, state, allowance.minutes) for trouble in received.troubles],
            status,
            earlier,
        )

    def _with_arrived(
        self, token: OpenedToken, received: ReceivedForm, arrived: Sequence[ArrivedFile]
    ) -> tuple[FormState, list[str]]:
        """The page's state with what arrived, and the names of files that had arrived before.

        Abandons files that were removed, and those for which a report has no room.
        """
        state = token.state
        if isinstance(token.trouble, ForgedToken):
            # Only the page itself can still tell which files it had.
            state = state.after_arrival((), received.texts.getlist("had")).as_sent_before()
        state = self._without_removed(state, received)
        earlier, kept = self._with_earlier(token, arrived)
        room = max(0, self._settings.files - len(state.attachments) - len(kept))
        self._abandon(token.state, earlier[room:])
        lost = [one.file.name for one in earlier[room:]]
        del earlier[room:]
        new = [*earlier, *kept]
        state = state.after_arrival([one.file for one in new], [*lost, *received.lost])
        state = state.with_photos([one.photo for one in new if one.photo is not None])
        state = state.with_names_left_away("nameless" in received.texts)
        return state, [one.file.name for one in earlier]

    def _with_earlier(
        self, token: OpenedToken, arrived: Sequence[ArrivedFile]
    ) -> tuple[list[ArrivedFile], list[ArrivedFile]]:
        """Files that arrived earlier from the same page, which does not know them, and *arrived*.

        If one arrived twice, the first copy is kept. So a page that is sent twice at once keeps the
        same copy in both requests, and neither gives up what the other files.
        """
        if isinstance(token.trouble, ForgedToken):
            return [], list(arrived)
        known = {file.block_key for file in token.state.attachments}
        kept = [
            one for one in self._arrived.kept(token.state.nonce) if one.file.block_key not in known
        ]
        copies = kept + [one for one in arrived if one not in kept]
        used = []
        for one in arrived:
            used.append(next(copy for copy in copies if copy.is_same(one.file)))
            copies.remove(used[-1])
        self._abandon(token.state, [one for one in arrived if one not in used])
        # Further copies may belong to a request that is still running, so they are left alone.
        earlier = [one for one in kept if not any(one.is_same(other.file) for other in used)]
        return earlier, used

    def _abandon(self, state: FormState, arrived: Sequence[ArrivedFile]) -> None:
        """Have the vault erase files that arrived for the page with *state*."""
        files = [one.file for one in arrived]
        files += [one.photo.stripped for one in arrived if one.photo and one.photo.stripped]
        if files:
            self._arrived.forget(state.nonce, [file.block_key for file in files])
            self._intake.abandon(files)

    def file(self, draft: Draft, state: FormState) -> Refusal | None:
        """File *draft* with the files of *state*. Returns None once it is on the vault's disk."""
        try:
            self._intake.file(draft, state.to_send())
        except PendingGone:
            self._arrived.forget(state.nonce)
            return Refusal(("files", _FILES_GONE), 409, state.without_files())
        except Busy as why:
            return Refusal(("", busy_sentence(why)), 503, state)
        except BadReport:
            return Refusal(("text", _TOO_LONG), 413, state)
        except (CannotSeal, CannotStore, VaultUnavailable):
            return Refusal(("", NOT_ACCEPTED), 503, state)
        self._arrived.forget(state.nonce)
        return None

    def _opened(self, texts: MultiDict[str, str]) -> OpenedToken:
        return OpenedToken.of(self._tokens, self._page, texts.get("token", ""))

    def _problem(self, trouble: Trouble, name: str, state: FormState, minutes: int) -> Problem:
        facts = {
            "name": name,
            "megabytes": self._settings.file_bytes // 2**20,
            "files": self._settings.files,
            "minutes": minutes,
            # As the form says: the texts have to fit in, too.
            "total": self._settings.post_bytes // 2**20 - 1,
        }
        sentence = _TROUBLES[trouble][0]
        if trouble is Trouble.POST_TOO_LARGE and not state.attachments:
            sentence = _NONE_FITTED
        return "files" if name else "", str(sentence) % facts

    def _without_removed(self, state: FormState, received: ReceivedForm) -> FormState:
        """*state* without the files that the claimant has just removed."""
        removed = set(received.texts.getlist("remove"))
        kept = [file for file in state.attachments if file.block_key.hex()[:16] not in removed]
        left = state.with_files(tuple(kept))
        self.abandon_unused(state, left)
        return left

    def abandon_unused(self, before: FormState, after: FormState) -> None:
        """Have the vault erase what was sealed for a page *before* and is not used *after*."""
        used = {file.block_key for file in after.sealed}
        unused = [file for file in before.sealed if file.block_key not in used]
        if unused:
            self._arrived.forget(before.nonce, [file.block_key for file in unused])
            self._intake.abandon(unused)
