"""Whole screens, line by line: the queue, a case, the lists, and the keys below them."""

import re
from datetime import timedelta
from pathlib import Path

import pytest
from support.cases import DAY, attachment, report
from support.desks import Desk
from support.seat import SMALL, WIDE, Seat


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    """Four cases: new, urgent and reviewed, assigned and answered, and one with a file."""
    made = Desk.make(tmp_path / "desk", 0)
    made.file([1, 2, 3], day=DAY - timedelta(days=3))
    with made.working() as casebook:
        one = report(
            "第一行\nsecond line",
            4,
            harms=("c1.harassed",),
            facts={"province": "prov.GD"},
            attachments=(attachment("证据.txt", b"abc"),),
        )
        part = casebook.add_part(
            block_id=b"d" * 16, block_sha256="00" * 32, day=DAY, bundle=1, report=one
        )
        casebook.add_file(part, 0)
    # Of merit, so that it always has a second review, and not by chance.
    made.judge(2, merit="m3", urgency="immediate", flags=("minor",))
    made.assign(3, 0)
    made.answer(3, "谢谢。")
    made.answer(3, "Again.", leave=False)
    made.translate(1, "Account closed")
    made.event(4, "E000000001", "blocked")
    made.party(4, "P000000001", "Tencent")
    return made


# What is pressed, and what is on the screen then.
SMALL_WALK = {
    "the queue with a mark": ("space",),
    "the team": ("t",),
    "the outbox": ("escape", "o"),
    "an answer in full": ("enter",),
    "a page further in the orders": ("escape", "escape", "s", "pagedown"),
    "reports": ("escape", "i"),
    "the last case": ("escape", "end", "enter"),
    "its facts": ("tab",),
    "all keys": ("question_mark",),
    "the case before": ("escape", "p"),
}
WIDE_WALK = {"the queue with a mark": ("space",), "the last case": ("end", "enter")}


def walked(
    desk: Desk, size: tuple[int, int], walk: dict[str, tuple[str, ...]]
) -> dict[str, list[str]]:
    """The lines of each screen on the way, without most of the room in them."""
    found: dict[str, list[str]] = {}

    async def act(seat: Seat) -> None:
        for name, keys in walk.items():
            await seat.press(*keys)
            lines = (
                re.sub("─{4,}", "─", re.sub(" {3,}", "  ", one.rstrip())) for one in seat.lines
            )
            # The keys at the foot of a wide screen are those of a narrow one.
            found[name] = [one for one in lines if one.strip("│ ") and len(one) < 85]

    Seat(desk, size=size).work(act)
    return found


# Each line as it is shown.
# fmt: off
SMALL_SCREENS: dict[str, list[str]] = {
    'the queue with a mark': [
        ' Queue: All cases  4 cases, reviewer-0',
        '  case  age  urgency  tier  flags  text',
        '* DV-5XMF 3 d  Account closed',
        '  EB-WQE7 3 d  (immedia… (m3)  【虚构】正文',
        '  J2-BRTX 3 d  【虚构】正文',
        '  G2-2CW3 0 d  第一行 second line',
        'Enter open  v views  ] next view  / words  f filter  s sort  r reverse  Esc all',
        'w save view  Space mark  a assign  o outbox  l log  t team  h hand over',
        'c charts  i reports  q leave  Ctrl-L lock  ? all keys',
    ],
    'the team': [
        ' Team: 3 reviewers',
        'name  reviewed assigned fingerprint',
        'reviewer-0 (you)  1  1  0E2109063BC04E7848EE103E26665C5CC39EE80A',
        'reviewer-1  0  0  840AC2375F6F9A52153BF94F7A48D6D88BBE4421',
        'reviewer-2  0  0  F387A50B7EF561103EFB224C7D495058A48E6431',
        'Esc back  Ctrl-L lock  ? all keys',
    ],
    'the outbox': [
        ' Outbox: 1 answer',
        'no.  case  kind  language  age  why it does not leave',
        '2  J2-BRTX  answer  zh-Hans  0 d',
        'Enter read  x take back  r release  Esc back  Ctrl-L lock  ? all keys',
    ],
    'an answer in full': [
        ' Outbox: 1 answer',
        'no.  case  kind  language  age  why it does not leave',
        '╭─ J2-BRTX: answer in zh-Hans ─╮',
        '│ Again.  │',
        '│ Space on  Esc back  │',
        '╰─╯',
        'Enter read  x take back  r release  Esc back  Ctrl-L lock  ? all keys',
    ],
    'a page further in the orders': [
        ' Queue: All cases  4 cases, reviewer-0',
        '  case  age  urgency  tier  flags  text',
        '* DV-5XMF 3 d  Account closed',
        '  EB-WQE7 3 d  (immedia… (m3)  【虚构】正文',
        '  J2-BRTX 3 d  【虚构】正文',
        '  G2-2CW3 0 d  第一行 second line',
        '╭─ Sort by ─╮',
        '│ 79 entries  │',
        '│  day  ▇ │',
        '│  language  │',
        '│  parts  │',
        '│  files  │',
        '│  status  │',
        '│  correspondence  │',
        '│  category  │',
        '│  harms  │',
        '│  period_from It began  │',
        '│  period_to It ended  │',
        '│  where_happened It happened in  │',
        '│  province If on the mainland, the province  │',
        '│ Enter choose  Esc done  type to find  │',
        '╰─╯',
    ],
    'reports': [
        ' Queue: All cases  4 cases, reviewer-0',
        '  case  age  urgency  tier  flags  text',
        '* DV-5XMF 3 d  Account closed',
        '  EB-WQE7 3 d  (immedia… (m3)  【虚构】正文',
        '  J2-BRTX 3 d  【虚构】正文',
        '  G2-2CW3 0 d  第一行 second line',
        '╭─ Reports ─╮',
        '│ 5 entries  │',
        '│  Charts  │',
        '│  When claims lapse  │',
        '│  Agreement, and what was missed  │',
        '│  What the casebook holds, and what waits  │',
        '│  Draw rejected cases for a second review  │',
        '│ Enter choose  Esc done  type to find  │',
        '╰─╯',
    ],
    'the last case': [
        ' G2-2CW3, 1 part, 1 file  4 of 4',
        ' ── report, 2026-11-23, zh-Hans',
        ' 第一行',
        ' second line',
        '╭─ G2-2CW3: Review ─╮',
        '│Review of G2-2CW3  │',
        '│  category  c1 Persecuted as a direct result of WeChat censor │',
        '│> merit  │',
        '│  1 m0 Out of scope  ▇│',
        '│  2 m1 In scope, facts insufficient  │',
        '│  3 m2 Potential merit, follow up  │',
        '│  4 m3 Case of merit  │',
        '│  5 m4 Candidate plaintiff  │',
        '│  6 mx Abuse, spam or suspected false report  │',
        '╰─╯',
        's save, next  n next  p previous  Enter fill in  Del empty  u undo  o note',
        'k I know somebody  a answer  t translation  c compare  f files  x black out',
        'e enter facts  Tab pane  Space on  Esc queue  Ctrl-L lock  ? all keys',
    ],
    'its facts': [
        ' G2-2CW3, 1 part, 1 file  4 of 4',
        ' ── report, 2026-11-23',
        '  category: Persecuted as a direct result of WeChat censorship',
        '  harm: Harassed',
        '  If on the mainland, the province: Guangdong',
        ' ── 1 file  ▇',
        '  1. 证据.txt (text/plain, 3 bytes)',
        ' ── events',
        '╭─ G2-2CW3: Review ─╮',
        '│Review of G2-2CW3  │',
        '│  category  c1 Persecuted as a direct result of WeChat censor │',
        '│> merit  │',
        '│  1 m0 Out of scope  ▇│',
        '│  2 m1 In scope, facts insufficient  │',
        '│  3 m2 Potential merit, follow up  │',
        '│  4 m3 Case of merit  │',
        '│  5 m4 Candidate plaintiff  │',
        '│  6 mx Abuse, spam or suspected false report  │',
        '╰─╯',
        's save, next  n next  p previous  Enter fill in  Del empty  u undo  o note',
        'k I know somebody  a answer  t translation  c compare  f files  x black out',
        'e enter facts  Tab pane  Space on  Esc queue  Ctrl-L lock  ? all keys',
    ],
    'all keys': [
        ' G2-2CW3, 1 part, 1 file  4 of 4',
        ' ── report, 2026-11-23',
        '╭─ All keys ─╮',
        '│ s  save, next  │',
        '│ n  next  │',
        '│ p  previous  │',
        '│ Down  next field  │',
        '│ Up  field before  │',
        '│ Enter  fill in  │',
        '│ Del  empty  │',
        '│ u  undo  │',
        '│ o  note  │',
        '│ k  I know somebody  ▁ │',
        '│ a  answer  │',
        '│ t  translation  │',
        '│ g  write a gist  │',
        '│ c  compare  │',
        '│ f  files  │',
        '│ x  black out  │',
        '│ Space on  Esc back  │',
        '╰─╯',
        's save, next  n next  p previous  Enter fill in  Del empty  u undo  o note',
        'k I know somebody  a answer  t translation  c compare  f files  x black out',
        'e enter facts  Tab pane  Space on  Esc queue  Ctrl-L lock  ? all keys',
    ],
    'the case before': [
        ' J2-BRTX, 1 part, 0 files  3 of 4',
        ' ── report, 2026-11-20, zh-Hans',
        ' 【虚构】正文',
        '╭─ J2-BRTX: Review ─╮',
        '│Review of J2-BRTX  │',
        '│  category  c1 Persecuted as a direct result of WeChat censor │',
        '│> merit  │',
        '│  1 m0 Out of scope  ▇│',
        '│  2 m1 In scope, facts insufficient  │',
        '│  3 m2 Potential merit, follow up  │',
        '│  4 m3 Case of merit  │',
        '│  5 m4 Candidate plaintiff  │',
        '│  6 mx Abuse, spam or suspected false report  │',
        '╰─╯',
        's save, next  n next  p previous  Enter fill in  Del empty  u undo  o note',
        'k I know somebody  a answer  t translation  c compare  f files  x black out',
        'e enter facts  Tab pane  Space on  Esc queue  Ctrl-L lock  ? all keys',
    ],
}
WIDE_SCREENS: dict[str, list[str]] = {
    'the queue with a mark': [
        ' Queue: All cases  4 cases, reviewer-0',
        'All cases  4  case  age  urgency  tier  flags  status  category  files text',
        'Yours to review: first, secon… 3  * DV-5XMF 3 d  New  c1  Account closed',
        'Somebody may be in danger now  0  J2-BRTX 3 d  New  c1  【虚构】正文',
        'A deadline is near  0  G2-2CW3 0 d  New  c1  1  第一行 second line',
        'The claimant came back after…  0',
        'Never reviewed  3',
        'Needs a second review  1',
        'Reviewers disagree  0',
        'Privileged (lawyer and client) 0',
        'Withdrawn by the claimant  0',
        'Marked  1',
        'c charts  i reports  q leave  Ctrl-L lock  ? all keys',
    ],
    'the last case': [
        ' G2-2CW3, 1 part, 1 file  4 of 4',
        '╭─ story ─╮╭─ facts and files ─╮╭─ G2-2CW3: Review ─╮',
        '│── report, 2026-11-23, zh-Hans  ││── report, 2026-11-23  ││Review of G2-2CW3  │',
        '│第一行  ││  category: Persecuted as a direct  ││  category  c1 Persecuted as a dir… │',
        '│second line  ││  result of WeChat censorship  ││> merit  │',
        '│  ││  harm: Harassed  ││  1 m0 Out of scope  │',
        '│  ││  If on the mainland, the province:  ││  2 m1 In scope, facts insufficient  │',
        '│  ││  Guangdong  ││  3 m2 Potential merit, follow up  │',
        '│  ││  ││  4 m3 Case of merit  │',
        '│  ││── 1 file  ││  5 m4 Candidate plaintiff  │',
        '│  ││  ││  urgency  │',
        '│  ││── events  ││  evidence  │',
        '│  ││  ││  Connection to the US or…  │',
        '│  ││2019-03: Other: blocked [from  ││  Phone region  │',
        '│  ││elsewhere]  ││  outcome  │',
        '│  ││  ││  harms  1: Harassed: Alleged  │',
        '│  ││── people and organisations  ││  Actors  │',
        '│  ││  ││  Account types  │',
        '│  ││Platform (Tencent, WeChat): Tencent  ││  flags  │',
        '│  ││[from elsewhere]  ││  amounts  │',
        '│  ││  ││  tags  │',
        '│  ││  ││  period from  │',
        '│  ││  ││  period to  │',
        '│  ││  ││  Account opened  │',
        '│  ││  ││  credibility  │',
        '│  ││  ││  note  │',
        '│  ││  ││  removed  │',
        '╰─╯╰─╯╰─╯',
        'e enter facts  Tab pane  Space on  Esc queue  Ctrl-L lock  ? all keys',
    ],
}
# fmt: on


@pytest.mark.slow
@pytest.mark.parametrize(
    ("size", "walk", "screens"),
    [(SMALL, SMALL_WALK, SMALL_SCREENS), (WIDE, WIDE_WALK, WIDE_SCREENS)],
    ids=["small", "wide"],
)
def test_each_screen_shows_this(
    desk: Desk,
    size: tuple[int, int],
    walk: dict[str, tuple[str, ...]],
    screens: dict[str, list[str]],
) -> None:
    assert walked(desk, size, walk) == screens
