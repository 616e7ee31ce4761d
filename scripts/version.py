"""The version of Casedrop, and the revision of the source from which it was built."""

import subprocess
from pathlib import Path

from dropbox import __version__

ROOT = Path(__file__).resolve().parents[1]
# In the desk's one file: what `revision` returned where it was built.
BUILT_IN = Path(__file__).with_name("REVISION")
_CHANGED = "-changed"


def version() -> str:
    """For example "0.1.0, revision 0123…4567" (40 digits), or "0.1.0" if none is known."""
    found = built_in() or revision()
    return f"{__version__}, revision {found}" if found else __version__


def built_in() -> str:
    """The revision that is built into the desk's one file, "" elsewhere."""
    return BUILT_IN.read_text("ascii").strip() if BUILT_IN.is_file() else ""


def revision(root: Path = ROOT) -> str:
    """The commit that is checked out in *root*, "-changed" added if files differ; "" if none.

    It is the whole hash, because the length of short ones depends on the repository.
    """
    # Not the commit of some repository into which this package happens to be installed.
    if not (root / ".git").exists():
        return ""
    commit, changes = _git(root, "rev-parse", "HEAD"), _git(root, "status", "--porcelain")
    return f"{commit}{_CHANGED if changes else ''}" if commit else ""


def _git(root: Path, *arguments: str) -> str:
    try:
        done = subprocess.run(
            ["git", "--no-optional-locks", "-C", str(root), *arguments],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            check=False,
        )
    except OSError:
        return ""
    return done.stdout.decode("utf-8", "replace").strip() if done.returncode == 0 else ""
