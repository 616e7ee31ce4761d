"""What holds a claimant's words or a secret does not show them when an object is shown."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
_CLASS = re.compile(r"^( *)@dataclass\((?P<options>[^)]*)\)\n\1class (?P<name>\w+)", re.MULTILINE)
# Whoever adds such a class adds it here; none is taken away.
WITHOUT = """
dropbox/codename.py Codename
dropbox/codename.py CodenameKeys
dropbox/codename.py Spelling
dropbox/codename.py WordLists
dropbox/day_key.py DayKey
dropbox/front/form_token.py FormState
dropbox/front/forms.py OpenedToken
dropbox/front/intake.py Draft
dropbox/front/intake.py ReceivedReply
dropbox/front/multipart.py Piece
dropbox/front/photo_sealing.py Photo
dropbox/front/submission.py Question
dropbox/front/submission.py PostedPage
dropbox/front/submission.py Refusal
dropbox/front/uploads.py ReceivedForm
dropbox/hpke.py SecretKey
dropbox/probe_mark.py ProbeKey
dropbox/reply.py Reply
dropbox/report.py Attachment
dropbox/report.py Report
scripts/desk/case.py Part
scripts/desk/case.py Case
scripts/desk/case.py FileOfPart
scripts/desk/case.py Answer
scripts/desk/casebook/facts.py Fact
scripts/desk/casebook/facts.py Event
scripts/desk/casebook/facts.py Party
scripts/desk/casebook/facts.py Contact
scripts/desk/casebook/translations.py Translation
scripts/desk/exchange/work_bundle.py Work
scripts/desk/facts/case_facts.py CaseFacts
scripts/desk/facts/toml_forms.py Form
scripts/desk/full_screen/opened_case.py OpenedCase
scripts/desk/full_screen/queue.py Row
scripts/desk/full_screen/queue.py Queue
scripts/desk/full_screen/unfinished.py Unfinished
scripts/desk/outbox/writing.py Letter
scripts/desk/pictures/look.py Shown
scripts/desk/production/dossier_contents.py Told
scripts/desk/production/records.py Document
scripts/desk/production/transcribed.py Transcribed
scripts/desk/production/translated.py Translated
scripts/desk/redaction/leaving_texts.py CaseText
scripts/desk/redaction/leaving_transcripts.py LeavingTurn
scripts/desk/redaction/leaving_transcripts.py LeavingTranscript
scripts/desk/redaction/redacting.py Found
scripts/desk/redaction/redacting.py Listed
scripts/desk/redaction/seen_words.py Seen
scripts/desk/redaction/seen_words.py Reading
scripts/desk/redaction/undecided.py Undecided
scripts/desk/review/judgement.py Judgement
scripts/desk/review/judgement.py Layer
scripts/desk/review/judgement.py Reviews
scripts/desk/screen/looks.py Look
scripts/desk/search/finding.py Found
scripts/desk/search/finding.py Answered
scripts/desk/search/summary.py Outline
scripts/desk/split_files.py SplitFile
scripts/desk/transcripts/layout.py _Block
scripts/desk/transcripts/lines.py SeenLine
scripts/desk/transcripts/lines.py SeenPage
scripts/desk/transcripts/transcript.py Line
scripts/desk/transcripts/transcript.py Turn
scripts/desk/transcripts/transcript.py Transcript
scripts/desk/translating.py SourceText
scripts/operator/probe.py Prober
scripts/operator/probe_record.py ProbeRecord
scripts/operator/visit.py Page
scripts/operator/visit.py Form
"""


def test_these_classes_have_no_repr() -> None:
    found = [
        f"{path.relative_to(ROOT)} {one['name']}"
        for folder in ("dropbox", "onion", "scripts")
        for path in sorted((ROOT / folder).rglob("*.py"))
        for one in _CLASS.finditer(path.read_text("utf-8"))
        if "repr=False" in one["options"]
    ]

    assert "\n".join(found) == WITHOUT.strip()
