"""`show`: shows one case with all its parts, similar cases, its reviews and its answers."""

import argparse

from scripts.desk.facts.case_facts import fact_values, facts_of
from scripts.desk.identity import own_case, viewer, working
from scripts.desk.linking import alike, files_alike
from scripts.desk.options import add_case, add_json, add_lang
from scripts.desk.outbox.sending import answers_of
from scripts.desk.screen.cases import case_text, case_values, link_values, links_text
from scripts.desk.screen.fact_tables import facts_text
from scripts.desk.screen.output import print_json, print_long, progress_bar, stages
from scripts.desk.screen.reviews import review_text, review_values
from scripts.desk.screen.transcripts import transcript_lines, transcript_values
from scripts.desk.screen.translation_tables import beside, translation_values
from scripts.desk.search.upkeep import catch_up
from scripts.desk.translating import texts_of

HELP = "show a case with all its parts, reviews and answers"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Its arguments."""
    add_case(parser)
    add_lang(parser)
    add_json(parser)


def run(asked: argparse.Namespace) -> None:
    """Show the parts of it that the reviewer at work may see."""
    with working(asked) as casebook:
        case = own_case(casebook, asked.case)
        with progress_bar() as bar:
            catch_up(casebook, stages(bar))
        links, said, names = alike(casebook, case.number)
        former = casebook.names.former(case.number)
        answers, reader = answers_of(casebook, case), viewer(casebook, asked.lang)
        reviews, standing = casebook.layers.of(case), casebook.layers.standing(case)
        facts = facts_of(casebook, case)
        texts, given = texts_of(casebook, case), casebook.translations.current(case.number)
        transcripts = casebook.translations.transcripts(case.number)
        same = files_alike(casebook, case)
        casebook.viewed(case)
    if asked.json:
        review = review_values(reviews, standing, reader)
        others = link_values(links, names, said, reader)
        linked = {"former": former, "linked": others, "review": review}
        linked["facts"] = fact_values(facts, reader.campaign, asked.lang)
        linked["translations"] = translation_values(texts, given, reader)
        linked["transcripts"] = transcript_values(case, transcripts, reader, same)
        print_json({**case_values(case, answers), **linked})
        return
    translated = {**beside(given, reader), **transcript_lines(transcripts, reader, same)}
    print_long(
        case_text(case, answers, reader.campaign, asked.lang, former, translated),
        *([facts_text(facts, reader)] if facts.any else []),
        *([links_text(links, names, said, reader)] if links or said else []),
        review_text(reviews, standing, reader),
    )
