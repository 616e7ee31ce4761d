"""A film that was cut into parts, over front and vault to the desk."""

import hashlib
import os
from pathlib import Path

import httpx
from support.desk_side import Desk
from support.front import ONION

from onion.launch import Drop
from scripts.desk.evidence import join_out
from scripts.newsite import make_site
from scripts.rehearsal.claimant import Browser, File

PART_BYTES = 3_000_000


def test_a_film_sent_in_parts_on_two_visits_comes_out_whole(
    tmp_path: Path, keys_dir: Path, first_home: Path
) -> None:
    film = b"\0\0\0\x18ftypmp42" + os.urandom(7_000_000)
    cuts = [film[at : at + PART_BYTES] for at in range(0, len(film), PART_BYTES)]
    parts = [File(f"录像.mp4.{number:03d}", "", cut) for number, cut in enumerate(cuts, 1)]
    site = make_site(tmp_path / "site", onion=ONION, keys=keys_dir)
    desk = Desk.create(site, tmp_path / "casebook", first_home)
    transport = httpx.HTTPTransport(uds=str(site.front_socket))
    with (
        Drop(site.settings_file, site.front_socket, os.environ),
        Browser(ONION, transport=transport) as browser,
    ):
        # Given a report whose parts were added one by one, the later one first,
        page = browser.get("/zh-hans/report")
        form = page.form()
        for part in (parts[2], parts[0]):
            added = browser.send(form, {"category": "c1"}, files=[part], button=("act", "files"))
            form = added.form()
        assert browser.send(form, {"text": "【虚构】录像分三份"}).status == 200
        # and an addition with the one that lacked, and one that was sent again,
        case = browser.send(browser.get("/zh-hans/inbox").form(), {"codename": page.codename()})
        assert browser.send(case.form(), {}, files=[parts[1], parts[0]]).status == 200
        # when the desk imports what it fetched and writes it out,
        imported = desk.carry(tmp_path)
    assert (imported.opened.files, imported.opened.unopened) == (4, ())
    with desk.open() as casebook:
        (joined,) = join_out(casebook, casebook.case(1), tmp_path / "casebook")

    # then the film is there as it was.
    assert joined.path is not None and joined.sha256 == hashlib.sha256(film).hexdigest()
    assert joined.path.read_bytes() == film
