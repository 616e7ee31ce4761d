"""Office documents as pixels: LibreOffice makes a PDF in the room's own memory, which is drawn."""

import subprocess
from pathlib import Path

from scripts.desk.pictures import pdf
from scripts.desk.pictures.frames import Sender
from scripts.desk.pictures.notes import Note
from scripts.desk.pictures.walls import forbid_programs

PROGRAM = "soffice"
_FOLDER = Path("/tmp")  # noqa: S108 - the room's own, in memory, gone with the room
_OPTIONS = (
    "--headless", "--norestore", "--nologo", "--nolockcheck", "--nodefault",
    f"-env:UserInstallation=file://{_FOLDER}/profile", "--convert-to", "pdf",
    "--outdir", f"{_FOLDER}/made",
)  # fmt: skip


def convert(data: bytes, wanted: range, sender: Sender) -> None:
    """Send the pages of the document in *data* that are *wanted*; it runs no macros."""
    source, made = _FOLDER / "document", _FOLDER / "made" / "document.pdf"
    source.write_bytes(data)
    subprocess.run(
        [PROGRAM, *_OPTIONS, str(source)],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        check=False,
    )
    # Its output is trusted as little as its input.
    forbid_programs()
    if not made.is_file():
        sender.note(Note.NOT_CONVERTED)
        return
    pdf.draw(made.read_bytes(), wanted, sender)
