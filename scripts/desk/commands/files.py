"""`files`: lists a case's files, or writes them out byte for byte."""

import argparse
from pathlib import Path

from scripts.desk.file_access import write_files
from scripts.desk.identity import DeskError, own_case, working
from scripts.desk.options import add_case, add_json
from scripts.desk.screen.cases import file_values, files_table, split_lines, written_lines
from scripts.desk.screen.output import print_json, print_rich
from scripts.desk.split_files import split_files

HELP = "list a case's files, or write them out"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Its arguments."""
    add_case(parser)
    parser.add_argument(
        "--out", type=Path, metavar="DIR", help="write them here, byte for byte, under safe names"
    )
    add_json(parser)


def run(asked: argparse.Namespace) -> None:
    """List them, or write them out and log each one."""
    if asked.json and asked.out is not None:
        raise DeskError("--json lists files, --out writes them: give one of the two.")
    with working(asked) as casebook:
        case = own_case(casebook, asked.case)
        if asked.out is not None:
            for written in write_files(casebook, case, asked.out):
                print("\n".join(written_lines(written)))
            return
        casebook.viewed(case)
        if asked.json:
            print_json(file_values(case.files))
        else:
            print_rich(files_table(case.files))
            print("".join(f"{line}\n" for line in split_lines(split_files(case.files))), end="")
