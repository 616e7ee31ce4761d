"""The words in place of what does not leave, in the languages in which cases are handed over."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from dropbox.campaign import Campaign

# In zh-Hans, zh-Hant and English.
_LANGUAGES = ("zh-Hans", "zh-Hant", "en")
_WORDS: Mapping[str, tuple[str, str, str]] = {
    "redacted": ("已遮盖：{why}", "已遮蓋：{why}", "redacted: {why}"),
    "and": ("、", "、", ", "),
    "no_kind": (
        "此类文件无法制成图片",
        "此類檔案無法製成圖片",
        "this kind of file cannot be pictured",
    ),
    "no_picture": ("在此无法制成图片", "在此無法製成圖片", "it cannot be pictured here"),
    "damaged": ("此页无法绘出", "此頁無法繪出", "it cannot be drawn"),
    "rest": (
        "此页及其后各页均无法绘出",
        "此頁及其後各頁均無法繪出",
        "neither it nor any page after it can be drawn",
    ),
}


@dataclass(frozen=True)
class LeavingWords:
    """The words in *language*; ``reasons`` are the labels of codes, which in English are codes."""

    language: str = "en"
    reasons: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, campaign: Campaign, language: str) -> "LeavingWords":
        """Those in *language*, with the campaign's own labels of reasons."""
        if language == "en":
            return cls()
        reviewing = campaign.reviewing
        codes = reviewing.codes("redaction")
        labels = {one: reviewing.label("redaction", one, language) for one in codes}
        return cls(language, labels)

    def word(self, code: str, /, **values: object) -> str:
        """The word with this *code*."""
        return _WORDS[code][_LANGUAGES.index(self.language)].format(**values)

    def redacted(self, codes: Iterable[str]) -> str:
        """A marker saying that something is blacked out, and why."""
        why = (self.reasons.get(one, one) for one in sorted(set(codes)))
        return self.word("redacted", why=self.word("and").join(why))
