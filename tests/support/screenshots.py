"""Screenshots of conversations that never were, drawn as a phone would draw them, and made worse.

Nothing in them is from a real conversation. What is drawn is known, so that what is read can be
compared with it.
"""

import io
import random
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache

from PIL import Image, ImageDraw, ImageFilter, ImageFont

_FONT = "/usr/share/fonts/opentype/noto/NotoSansCJK-Regular.ttc"
# The faces in it for simplified and traditional Chinese.
_FACES = {"zh-Hans": 2, "zh-Hant": 3}
# In pixels of a screen that is 1,080 wide.
_SIZES = {"face": 110, "edge": 28, "pad": 30, "gap": 44, "line": 66, "most": 690}
THEM, ME, SYSTEM = "them", "me", "system"


@dataclass(frozen=True)
class Said:
    """One bubble, or with SYSTEM one grey line; *name* is above it in a group."""

    who: str
    text: str
    name: str = ""


SIMPLIFIED = (
    Said(SYSTEM, "2024年3月18日 下午3:24"),
    Said(THEM, "您好，您的账号因涉嫌违规已被限制登录，请在24小时内完成验证。"),
    Said(ME, "我没有做任何违规的事情，为什么突然封号？"),
    Said(ME, "账号里还有6,580.35元余额，现在也提不出来了。"),
    Said(THEM, "系统检测到异常行为，具体原因不便透露。您可以提交申诉材料，审核需要七个工作日。"),
    Said(SYSTEM, "昨天 21:07"),
    Said(
        ME, "申诉三次都被驳回，每次理由都一样。我在旧金山的客户全都联系不上，损失已经超过两万美元。"
    ),
    Said(THEM, "请理解，我们也是按照规定处理。"),
    Said(ME, "好的 I will talk to my lawyer tomorrow."),
    Said(SYSTEM, "你撤回了一条消息"),
    Said(THEM, "收到"),
)
TRADITIONAL = (
    Said(SYSTEM, "2024年3月18日 下午3:24"),
    Said(THEM, "您好，您的帳號因涉嫌違規已被限制登入，請在24小時內完成驗證。"),
    Said(ME, "我沒有做任何違規的事情，為什麼突然封號？"),
    Said(ME, "帳號裡還有6,580.35元餘額，現在也提不出來了。"),
    Said(THEM, "系統偵測到異常行為，具體原因不便透露。您可以提交申訴資料，審核需要七個工作日。"),
    Said(SYSTEM, "昨天 21:07"),
    Said(
        ME, "申訴三次都被駁回，每次理由都一樣。我在舊金山的客戶全都聯絡不上，損失已經超過兩萬美元。"
    ),
    Said(THEM, "請理解，我們也是按照規定處理。"),
    Said(ME, "好的 I will talk to my lawyer tomorrow."),
    Said(SYSTEM, "你收回了一則訊息"),
    Said(THEM, "收到"),
)
GROUP = (
    Said(SYSTEM, "星期二 08:15"),
    Said(THEM, "大家的账号都恢复了吗？", "李梅"),
    Said(THEM, "没有，还在等回复", "Tom Chen"),
    Said(ME, "我的也没有"),
    Said(THEM, "那我们一起写信吧", "李梅"),
)
# Without the picture, which the models do not know.
MIXED = (
    Said(THEM, "Your account 被限制 since 2020-06-30"),
    Said(ME, "OK 😀"),
    Said(ME, "Please see https://example.org/a?b=1"),
)


@dataclass(frozen=True)
class Theme:
    """Its colours."""

    paper: str
    them: str
    me: str
    ink: str
    my_ink: str
    grey: str


LIGHT = Theme("#ededed", "#ffffff", "#95ec69", "#191919", "#191919", "#8c8c8c")
DARK = Theme("#111111", "#2c2c2c", "#3eb575", "#d5d5d5", "#0b1f12", "#7a7a7a")


@cache
def _font(script: str, size: int) -> ImageFont.FreeTypeFont:
    return ImageFont.truetype(_FONT, size, index=_FACES[script])


def conversation(
    said: tuple[Said, ...], *, script: str = "zh-Hans", theme: Theme = LIGHT, width: int = 1080
) -> Image.Image:
    """A screenshot of *said*, as wide as a phone's screen."""
    scale = width / 1080
    font, small = _font(script, round(46 * scale)), _font(script, round(34 * scale))
    sizes = {name: round(value * scale) for name, value in _SIZES.items()}
    image = Image.new("RGB", (width, round(len(said) * 460 * scale) + 200), theme.paper)
    draw = ImageDraw.Draw(image)
    y = sizes["gap"]
    for one in said:
        y = _draw(draw, one, y, sizes, theme, width, font, small)
    return image.crop((0, 0, width, y))


def _draw(
    draw: ImageDraw.ImageDraw,
    one: Said,
    y: int,
    sizes: dict[str, int],
    theme: Theme,
    width: int,
    font: ImageFont.FreeTypeFont,
    small: ImageFont.FreeTypeFont,
) -> int:
    """Draw one bubble or line below *y*. Returns where the next begins."""
    if one.who == SYSTEM:
        left = (width - draw.textlength(one.text, small)) / 2
        draw.text((left, y), one.text, theme.grey, small)
        return y + sizes["line"] + sizes["gap"]
    mine, aside = one.who == ME, sizes["edge"] + sizes["face"] + sizes["edge"]
    lines = list(_wrapped(draw, one.text, font, sizes["most"]))
    wide = max(draw.textlength(line, font) for line in lines) + 2 * sizes["pad"]
    face = width - sizes["edge"] - sizes["face"] if mine else sizes["edge"]
    draw.rectangle((face, y, face + sizes["face"], y + sizes["face"]), "#5b7fa6")
    if one.name:
        draw.text((aside, y - sizes["pad"] // 4), one.name, theme.grey, small)
        y += round(sizes["line"] * 0.8)
    left = width - aside - wide if mine else aside
    high = len(lines) * sizes["line"] + 2 * sizes["pad"]
    draw.rounded_rectangle(
        (left, y, left + wide, y + high), sizes["pad"] // 2, theme.me if mine else theme.them
    )
    for number, line in enumerate(lines):
        at = (left + sizes["pad"], y + sizes["pad"] + number * sizes["line"])
        draw.text(at, line, theme.my_ink if mine else theme.ink, font)
    return y + high + sizes["gap"]


def _wrapped(
    draw: ImageDraw.ImageDraw, text: str, font: ImageFont.FreeTypeFont, most: int
) -> Iterator[str]:
    line = ""
    # A Latin word stays whole; between Chinese characters a line may end anywhere, but none begins
    # with a full stop.
    for word in re.findall(r"[!-~]+ ?|.[，。？！]?", text):
        if draw.textlength((line + word).rstrip(), font) > most:
            yield line.rstrip()
            line = ""
        line += word
    yield line


def as_jpeg(image: Image.Image, quality: int) -> Image.Image:
    """What is left of it in a JPEG file of this quality."""
    out = io.BytesIO()
    image.save(out, "JPEG", quality=quality)
    return Image.open(out).convert("RGB")


def photographed(image: Image.Image, seed: int = 1) -> Image.Image:
    """It, on a screen, by a hand-held camera: at an angle, a little out of focus, with noise."""
    width, height = image.size
    screen = _moire(image)
    # Where the corners of the photograph are on the screen and around it.
    corners = (-70, -40, -30, height + 50, width + 80, height + 30, width + 40, -70)
    photo = screen.transform(
        (width, height),
        Image.Transform.QUAD,
        corners,
        Image.Resampling.BICUBIC,
        fillcolor="#303030",
    ).filter(ImageFilter.GaussianBlur(1.1))
    noise = random.Random(seed)
    grain = Image.frombytes("L", (width, height), noise.randbytes(width * height))
    grain = grain.filter(ImageFilter.GaussianBlur(0.6))
    noisy = Image.blend(photo, Image.merge("RGB", (grain,) * 3), 0.12)
    return as_jpeg(noisy, 80)


def _moire(image: Image.Image) -> Image.Image:
    """With the faint slanting bands that a camera sees on a screen."""
    width, height = image.size
    band = Image.linear_gradient("L").resize((width, 9)).rotate(0)
    bands = Image.new("L", (width, height), 255)
    for y in range(0, height, 9):
        bands.paste(band.resize((width, 5)).point(lambda value: 225 + value // 9), (0, y))
    bands = bands.rotate(3, fillcolor=255)
    return Image.composite(image, Image.new("RGB", image.size, "#202020"), bands)


def png(image: Image.Image) -> bytes:
    """As a file."""
    out = io.BytesIO()
    image.save(out, "PNG")
    return out.getvalue()


def drawn_text(said: tuple[Said, ...]) -> str:
    """All text that was drawn."""
    return "".join(one.name + one.text for one in said).replace("😀", "")


def sides(said: tuple[Said, ...]) -> list[tuple[str, str]]:
    """Where each bubble is, and the name above it."""
    where = {THEM: "left", ME: "right", SYSTEM: "system"}
    return [(where[one.who], one.name) for one in said]


def errors(read: str, drawn: str) -> float:
    """The share of characters that were read wrongly: Levenshtein's distance, without spaces."""
    one, other = ("".join(text.split()) for text in (read, drawn))
    before = list(range(len(other) + 1))
    for row, mine in enumerate(one, 1):
        line = [row]
        for column, theirs in enumerate(other, 1):
            change = before[column - 1] + (mine != theirs)
            line.append(min(before[column] + 1, line[-1] + 1, change))
        before = line
    return before[-1] / max(1, len(other))
