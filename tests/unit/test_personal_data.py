"""Personal numbers and addresses are noticed however they are written, and ordinary numbers are
not.
"""

import time

import pytest

from dropbox.front.personal_data import ACCOUNT, EMAIL, IDENTITY, PHONE, find_personal_data


@pytest.mark.parametrize(
    ("text", "kinds"),
    [
        ("我的电话13800138000。", [PHONE]),
        ("１３８ ００１３ ８０００", [PHONE]),
        ("138-0013-8000", [PHONE]),
        ("138\u200b0013\u200b8000", [PHONE]),
        ("+86 138 0013 8000", [PHONE]),
        ("+1 (415) 555-0123", [PHONE]),
        ("0912-345-678", [PHONE]),
        ("身份证11010519491231002X，", [IDENTITY]),
        ("A123456789", [IDENTITY]),
        ("邮箱：zhang.san@example.com，", [EMAIL]),
        ("zhang＠example．com", [EMAIL]),
        ("微信是wxid_abcdef123", [ACCOUNT]),
        ("x@example.org 13800138000", [PHONE, EMAIL]),
        ("2026年3月12日，亏了 138,000 元，订单 123456789012345678", []),
        ("第11010519490231002条", []),
        ("公众号 123456", []),
        ("", []),
    ],
)
def test_kinds_are_found(text: str, kinds: list[str]) -> None:
    assert find_personal_data(text) == kinds


@pytest.mark.parametrize("unit", ["1", "1 ", "@", "a.", "+1 ", "+86 1(", "wxid_", "138 "])
def test_a_long_text_of_look_alikes_is_read_at_once(unit: str) -> None:
    """No pattern takes more than linear time: a request would block its thread."""
    begun = time.process_time()
    find_personal_data(unit * (48 * 1024 // len(unit)))
    assert time.process_time() - begun < 2
