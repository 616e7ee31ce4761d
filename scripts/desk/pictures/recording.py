"""Sound and video: the length, and a few stills, by ffmpeg in a room of its own."""

import io
import json
import subprocess
from pathlib import Path

from PIL import Image, PpmImagePlugin, UnidentifiedImageError

from scripts.desk.pictures.frames import Page, Sender
from scripts.desk.pictures.notes import Note

PROGRAMS = ("ffprobe", "ffmpeg")
_FOLDER = Path("/tmp")  # noqa: S108 - the room's own, in memory, gone with the room
_STILLS = 6
_WIDTH = 960
_MOST_SAID = 2**20
_MOST_STILL = 16 * 2**20
# Nothing but the one file: no list of other files, no address.
_QUIET = ("-v", "quiet", "-protocol_whitelist", "file")
_STILL_FORMAT = PpmImagePlugin.PpmImageFile.format


def stills(data: bytes, wanted: range, sender: Sender) -> None:
    """Send the length of the recording in *data*, and its stills that are *wanted*."""
    source = _FOLDER / "recording"
    source.write_bytes(data)
    facts = _facts(source)
    if facts is None:
        sender.note(Note.DAMAGED)
        return
    seconds, has_video = facts
    sender.note(Note.SECONDS, round(seconds))
    sender.count(_STILLS if has_video else 0)
    drawn = False
    for number in range(max(wanted.start, 1), min(wanted.stop, _STILLS + 1)) if has_video else ():
        # One from the middle of each sixth.
        page = _still(source, number, seconds * (2 * number - 1) / (2 * _STILLS))
        if page is not None:
            sender.page(page)
            drawn = True
    if not drawn:
        sender.note(Note.NO_STILLS)


def _facts(source: Path) -> tuple[float, bool] | None:
    """The length in seconds, and whether it has pictures; None for no recording."""
    asked = ["-print_format", "json", "-show_format", "-show_streams", str(source)]
    found = json.loads(_run([PROGRAMS[0], *_QUIET, *asked], _MOST_SAID) or b"{}")
    streams = found.get("streams", [])
    if not streams:
        return None
    length = float(found.get("format", {}).get("duration", 0))
    return max(0.0, length), any(one.get("codec_type") == "video" for one in streams)


def _still(source: Path, number: int, second: float) -> Page | None:
    asked = ["-ss", f"{second:.3f}", "-i", str(source), "-frames:v", "1"]
    drawn = ["-vf", f"scale='min({_WIDTH},iw)':-2", "-f", "image2pipe", "-c:v", "ppm", "pipe:1"]
    options = [*_QUIET, "-nostdin", *asked, "-protocol_whitelist", "pipe", *drawn]
    data = _run([PROGRAMS[1], *options], _MOST_STILL)
    try:
        image = Image.open(io.BytesIO(data), formats=[_STILL_FORMAT])
        return Page(number, image.width, image.height, image.convert("RGB").tobytes())
    except (UnidentifiedImageError, OSError, ValueError):
        return None


def _run(command: list[str], most: int) -> bytes:
    """The output of *command*, at most *most* bytes."""
    with subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    ) as process:
        assert process.stdout is not None
        data = process.stdout.read(most)
        process.kill()
    return data
