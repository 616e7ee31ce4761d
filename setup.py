"""Adds to the package what setup.cfg cannot name: the pages of templates/, and the translations,
compiled.
"""

from pathlib import Path

from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from setuptools import setup
from setuptools.command.build_py import build_py

ROOT = Path(__file__).resolve().parent


class BuildWithPages(build_py):
    """Puts pages where dropbox.data_files looks for them in an installed package."""

    def run(self) -> None:
        """Build the modules, then add the rest."""
        super().run()
        package = Path(self.build_lib) / "dropbox"
        for page in sorted((ROOT / "templates").iterdir()):
            target = package / "templates" / page.name
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(page.read_bytes())
        for catalog in sorted(ROOT.glob("dropbox/translations/*/LC_MESSAGES/messages.po")):
            target = Path(self.build_lib) / catalog.relative_to(ROOT).with_suffix(".mo")
            target.parent.mkdir(parents=True, exist_ok=True)
            with catalog.open("rb") as source, target.open("wb") as compiled:
                write_mo(compiled, read_po(source, abort_invalid=True))


setup(cmdclass={"build_py": BuildWithPages})
