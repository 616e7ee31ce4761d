"""The reviewers' public keys: their fingerprints, and the keys themselves as a file."""

from collections.abc import Callable, Sequence

from flask import Response, g, make_response

from dropbox.front.pages import Pages
from dropbox.front.uniform_response import REST
from dropbox.public_keys import PublicKeys

PAGE = "keys"
# What a browser proposes as the name of the file.
FILE = "keys.asc"


def show(pages: Pages, fingerprints: Sequence[str]) -> Response:
    """The page with *fingerprints* in groups of four, as people compare them."""
    groups = [" ".join(one[at : at + 4] for at in range(0, len(one), 4)) for one in fingerprints]
    return pages.render("keys.html", path=PAGE, file=FILE, groups=groups, fingerprints=fingerprints)


def file(public_keys: PublicKeys, clock: Callable[[], float]) -> Response:
    """The keys with the subkeys that are valid now. *clock* returns Unix seconds."""
    g.file = FILE
    return make_response(public_keys.armored(clock()) + REST.encode("ascii"))
