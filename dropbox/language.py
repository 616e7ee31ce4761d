"""The languages of one drop's pages: their tags and names, and the direction of their writing.

Babel knows most languages; the settings have to say what it does not know about one.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

from babel import Locale, UnknownLocaleError
from babel.dates import format_date

from dropbox.campaign import Campaign
from dropbox.errors import SettingsError
from dropbox.setting_values import LanguageSettings
from dropbox.settings import Settings

# The own names of the languages that Casedrop comes with.
_NAMES = {"zh-Hans": "简体中文", "zh-Hant": "繁體中文", "en": "English"}
_DIRECTIONS = {"left-to-right": "ltr", "right-to-left": "rtl"}


@dataclass(frozen=True)
class Language:
    """One language of the pages.

    ``tag`` is as in <html lang>, ``direction`` "ltr" or "rtl", ``codename`` the language in which
    the words of a codename are shown. ``locale`` is None if Babel does not know the language.
    """

    tag: str
    name: str
    direction: str
    codename: str
    locale: Locale | None

    @property
    def prefix(self) -> str:
        """The first part of the path of each of its pages."""
        return self.tag.lower()

    def day(self, day: date) -> str:
        """*day* as it is written in this language, or in figures if Babel does not know how."""
        return format_date(day, "long", locale=self.locale) if self.locale else day.isoformat()


def read_languages(settings: Settings, campaign: Campaign) -> Mapping[str, Language]:
    """The languages of the pages by tag, in the order in which they are offered.

    Raises SettingsError for one in which *campaign* has no labels, or that Babel does not know and
    the settings do not describe.
    """
    for tag in settings.languages:
        if tag not in campaign.languages:
            raise SettingsError(
                f"[site] languages names {tag}, but the campaign file {settings.campaign} has no "
                "labels in it; begin with its title."
            )
    own = settings.own_languages
    return {tag: _language(tag, own.get(tag, LanguageSettings())) for tag in settings.languages}


def _language(tag: str, said: LanguageSettings) -> Language:
    try:
        locale = Locale.parse(tag, sep="-")
    except (UnknownLocaleError, ValueError):
        locale = None
    name = said.name or _NAMES.get(tag) or (locale.get_display_name() if locale else None)
    direction = said.direction or _DIRECTIONS.get(locale.character_order if locale else "")
    if not name or not direction:
        missing = "direction" if name else "name" if direction else "name and its direction"
        raise SettingsError(
            f"[site] languages names {tag}, about which Babel does not know enough: give its "
            f"{missing} in [language.{tag}]."
        )
    found = Language(tag, name, direction, tag if tag in _NAMES else said.codename, locale)
    # Babel reads its files now, not when somebody asks for a page.
    found.day(date.min)
    return found
