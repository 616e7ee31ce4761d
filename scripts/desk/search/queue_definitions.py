"""Queues: the cases that wait for something, as far as a reviewer may know.

A queue never reveals what somebody said about a case if the reviewer is still kept blind to it.
That a case waits for a second review is known once the first is done, or nobody could give it.
"""

import json
from dataclasses import dataclass

from dropbox.campaign import Campaign
from dropbox.label import Label
from scripts.desk.casebook.casebook import Casebook
from scripts.desk.search import said, summary
from scripts.desk.search.known_codes import wrong_code
from scripts.desk.search.said import DECIDES, OWN, REVIEWED, WRITTEN

# The codes that make queues, if the campaign has them.
_DANGER, _DEADLINE, _PRIVILEGED = "danger", "deadline", "privileged"
_DANGER_QUESTION, _YES = "danger_now", "yes"

# Stands for the fingerprint of the reviewer at work.
_ME = ":reviewer"

_NEW = "standing.status IN ('st.new', 'st.triaged')"
# Reviewed once, and nothing counts yet: a single review that is enough counts at once.
_SECOND = "(standing.status = 'st.first_review' AND standing.merit = '')"
_DISAGREE = "standing.status = 'st.adjudicate'"
_REOPENED = "standing.status = 'st.reopened'"
_OPEN = (
    "standing.status IN ('st.new', 'st.triaged', 'st.first_review', 'st.second_review', "
    "'st.adjudicate', 'st.reopened')"
)
_NOT_OVER = "standing.status NOT IN ('st.closed', 'st.withdrawn')"
# A look-up for each of the few cases concerned: a list of all would be long.
_DID = (
    "EXISTS (SELECT 1 FROM said "  # noqa: S608 - ours alone
    f"WHERE code = '{{}}' AND source = '{OWN}' AND reader = {{}} AND value = '{WRITTEN}' "
    'AND said."case" = standing."case")'
)
# The assigned reviewer comes first; once they have reviewed the case, others can be second.
_FREE = (
    f"(standing.assigned = '' OR standing.assigned = {_ME} "
    f"OR {_DID.format(REVIEWED, 'standing.assigned')})"
)
_TO_DO = (
    f"({_NEW} OR (({_SECOND} OR {_DISAGREE}) AND NOT {_DID.format(REVIEWED, _ME)}) "
    f"OR ({_REOPENED} AND {_DID.format(DECIDES, _ME)}))"
)


@dataclass(frozen=True)
class Queue(Label):
    """Cases that wait for one thing; ``sql`` is a condition on the table standing."""

    sql: str

    def condition(self, reviewer: str) -> tuple[str, list[str]]:
        """The condition with its values, for *reviewer* (a fingerprint)."""
        return self.sql.replace(_ME, "?"), [reviewer] * self.sql.count(_ME)


# The claimant's own report of danger counts until reviewers have decided, and again when more
# comes.
_QUEUES = (
    Queue(
        "mine",
        {
            "zh-Hans": "您可以审的（初审、复核、裁决）",
            "zh-Hant": "您可以審的（初審、複核、裁決）",
            "en": "Yours to review: first, second or third",
        },
        f"({_FREE} AND {_TO_DO})",
    ),
    Queue(
        "assigned",
        {"zh-Hans": "分配给您的", "zh-Hant": "分配給您的", "en": "Assigned to you, and waiting"},
        f"(standing.assigned = {_ME} AND {_TO_DO})",
    ),
    Queue(
        _DANGER,
        {
            "zh-Hans": "有人可能面临危险",
            "zh-Hant": "有人可能面臨危險",
            "en": "Somebody may be in danger now",
        },
        f"({_NOT_OVER} AND standing.urgency = '{_DANGER}' "  # noqa: S608 - ours alone
        f'OR {_OPEN} AND standing."case" IN '
        f"(SELECT \"case\" FROM fact WHERE code = '{_DANGER_QUESTION}' AND value = '{_YES}'))",
    ),
    Queue(
        _DEADLINE,
        {"zh-Hans": "有时限", "zh-Hant": "有時限", "en": "A deadline is near"},
        f"({_NOT_OVER} AND standing.urgency = '{_DEADLINE}')",
    ),
    Queue(
        "came-back",
        {
            "zh-Hans": "回复或决定后当事人又有新内容",
            "zh-Hant": "回覆或決定後當事人又有新內容",
            "en": "The claimant came back after an answer or a decision",
        },
        f"({_REOPENED} OR {_NOT_OVER} AND standing.correspondence = 'co.more')",
    ),
    Queue(
        "new",
        {"zh-Hans": "从未审过", "zh-Hant": "從未審過", "en": "Never reviewed"},
        _NEW,
    ),
    Queue(
        "second",
        {"zh-Hans": "待复核", "zh-Hant": "待複核", "en": "Needs a second review"},
        _SECOND,
    ),
    Queue(
        "disagree",
        {"zh-Hans": "意见不一，待裁决", "zh-Hant": "意見不一，待裁決", "en": "Reviewers disagree"},
        _DISAGREE,
    ),
    Queue(
        _PRIVILEGED,
        {
            "zh-Hans": "律师与当事人之间的保密内容",
            "zh-Hant": "律師與當事人之間的保密內容",
            "en": "Privileged (lawyer and client)",
        },
        f"instr(standing.flags, ' {_PRIVILEGED} ') > 0",
    ),
    Queue(
        "withdrawn",
        {"zh-Hans": "当事人已撤回", "zh-Hant": "當事人已撤回", "en": "Withdrawn by the claimant"},
        "standing.status = 'st.withdrawn'",
    ),
)


def queues_of(campaign: Campaign) -> tuple[Queue, ...]:
    """The queues of *campaign*, the most pressing first.

    Those that need a code which the campaign does not have are left out.
    """
    questions = {question.code: question.codes for question in campaign.questions}
    danger = _YES in questions.get(_DANGER_QUESTION, ())
    has = {
        _DANGER: danger or _DANGER in campaign.reviewing.codes("urgency"),
        _DEADLINE: _DEADLINE in campaign.reviewing.codes("urgency"),
        _PRIVILEGED: _PRIVILEGED in campaign.reviewing.codes("flag"),
    }
    return tuple(queue for queue in _QUEUES if has.get(queue.code, True))


def queue_named(campaign: Campaign, code: str) -> Queue:
    """The queue with this code. Raises WrongCode, which names the right ones."""
    known = {queue.code: queue for queue in queues_of(campaign)}
    if code not in known:
        raise wrong_code("queue", code, list(known))
    return known[code]


def counts(casebook: Casebook, reviewer: str) -> list[tuple[Queue, int]]:
    """How many cases are in each queue, without those that *reviewer* gave away."""
    summary.catch_up(casebook)
    said.catch_up(casebook)
    queues = queues_of(casebook.campaign)
    sums = ", ".join(f"count(*) FILTER (WHERE {queue.sql})" for queue in queues)
    given_away = json.dumps(list(casebook.layers.given_away(reviewer)))
    found = casebook.database.execute(
        f"SELECT {sums} FROM standing "  # noqa: S608 - ours alone
        'WHERE standing."case" NOT IN (SELECT value FROM json_each(:given_away))',
        {"reviewer": reviewer, "given_away": given_away},
    )
    return list(zip(queues, map(int, found.fetchone()), strict=True))
