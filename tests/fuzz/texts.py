"""What is inside a seal once it is opened: a report at the desk, a reply at the front."""

from datetime import date

from nacl.public import PrivateKey, PublicKey, SealedBox

from dropbox.errors import BadReply, BadReport
from dropbox.padding import BadPadding, pad, unpad, unpad_offline
from dropbox.reply import Reply, open_reply, seal_reply
from dropbox.report import Attachment, Report
from dropbox.sealing import PADDED_REPORT_BYTES
from fuzz.mutation import mutate_json
from fuzz.target import Target

_FILE = Attachment("一.png", "image/png", 5, "0" * 64, bytes(32), 1, 100)
_REPORT = Report(
    "report", "wechat-2020", "zh-Hans", "c1", ("h.a",), "一些文字", (), bytes(32), bytes(32)
)
_REPORTS = [
    _REPORT,
    Report(
        "message",
        "wechat-2020",
        "en",
        "",
        (),
        "",
        (_FILE, _FILE),
        bytes(32),
        bytes(32),
        {"a": ["x"], "b": [{"c": "1"}]},
    ),
]
_WORDS = [
    b'"version":1',
    b'"facts":{',
    b'"harms":[',
    b'"attachments":[',
    b"\\ud800",
    b"NaN",
    b"1e400",
    b"[[[[",
    b"null",
    b'"size":',
]


def report(data: bytes) -> Report:
    """A report's bytes. BadReport, or a report that is written back as the same bytes."""
    read = Report.from_bytes(data)
    assert read.to_bytes() == data, "a report is read that this version does not write"
    return read


def padded_report(data: bytes) -> Report:
    """What gpg returns, ending with *data*. BadPadding, BadReport, or the report."""
    text, _, end = data.partition(b"\n")
    padded = (pad(text, PADDED_REPORT_BYTES)[: PADDED_REPORT_BYTES - len(end)] + end)[
        : PADDED_REPORT_BYTES + 1
    ]
    unpadded = unpad(padded, PADDED_REPORT_BYTES)
    assert unpad_offline(padded, PADDED_REPORT_BYTES) == unpadded
    assert padded.startswith(unpadded) and pad(unpadded, PADDED_REPORT_BYTES) == padded
    return report(unpadded)


REPORT = Target(
    report,
    (BadReport,),
    [one.to_bytes() for one in _REPORTS],
    4_096,
    words=_WORDS,
    mutate=mutate_json,
)
PADDED_REPORT = Target(
    padded_report,
    (BadPadding, BadReport),
    [
        _REPORT.to_bytes(),
        _REPORT.to_bytes() + b"\n\x80",
        _REPORT.to_bytes() + b"\n\x80" + bytes(40),
        b"\n" + bytes(20),
    ],
    4_096,
)

_KEY = PrivateKey(b"k" * 32)
_PADDED_REPLY = 4_096 - 48
_REPLIES = [
    Reply("answer", "zh-Hans", date(2026, 11, 24), "谢谢您的报告。"),
    Reply("acknowledgement", "en", date(2026, 1, 2), ""),
]


def _opened(reply: Reply) -> bytes:
    return unpad(SealedBox(_KEY).decrypt(seal_reply(reply, bytes(_KEY.public_key))), _PADDED_REPLY)


def reply(data: bytes) -> Reply:
    """A reply's bytes, sealed.

    BadReply, or a reply that a page can show and that is written as the same bytes.
    """
    sealed = bytes(
        SealedBox(PublicKey(bytes(_KEY.public_key))).encrypt(
            pad(data[: _PADDED_REPLY - 1], _PADDED_REPLY)
        )
    )
    read = open_reply(sealed, bytes(_KEY))
    read.text.encode("utf-8")
    assert _opened(read) == data[: _PADDED_REPLY - 1], (
        "a reply is read that this version does not write"
    )
    return read


def sealed_reply(data: bytes) -> Reply:
    """A reply from the vault. BadReply, or one of those sealed to the case: nothing else opens."""
    read = open_reply(data, bytes(_KEY))
    assert read in _REPLIES
    return read


REPLY = Target(
    reply,
    (BadReply,),
    [_opened(one) for one in _REPLIES],
    4_096,
    words=[*_WORDS, b'"day":"', b'"kind":"answer"'],
    mutate=mutate_json,
)
SEALED_REPLY = Target(
    sealed_reply, (BadReply,), [seal_reply(one, bytes(_KEY.public_key)) for one in _REPLIES], 5_000
)
