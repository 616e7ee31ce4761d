"""The structure that keeps plaintext, ciphertext and the network apart.

The contracts in setup.cfg say which imports are allowed; here they are run, and each is seen to
fail. What a contract cannot say is tested below.
"""

import ast
import configparser
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGES = ("dropbox", "onion", "scripts")
SOURCES = sorted(path for package in PACKAGES for path in (ROOT / package).rglob("*.py"))
BANNED_NAMES = {
    "utils",
    "util",
    "helpers",
    "helper",
    "manager",
    "common",
    "base",
    "misc",
    "tools",
    "lib",
}

# Derived from the casebook's tables and rebuilt at will; and what else asks its open file.
REGISTERS = {
    "scripts.desk.search.alike_files",
    "scripts.desk.search.similar",
    "scripts.desk.search.index",
    "scripts.desk.search.said",
    "scripts.desk.search.summary",
}
ASKING = {
    "scripts.desk.casebook.snapshot",
    "scripts.desk.commands.reviewers",
    "scripts.desk.screen.status_lines",
    "scripts.desk.commands.verify",
    "scripts.desk.audit",
    "scripts.desk.identity",
    # What they ask is in the registers.
    "scripts.desk.search.beside",
    "scripts.desk.search.counted",
    "scripts.desk.search.finding",
    "scripts.desk.search.queue_definitions",
    "scripts.desk.search.selection",
}


def module(path: Path) -> str:
    """The dotted name of a source file."""
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


@cache
def tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text("utf-8"))


@pytest.fixture(scope="module", autouse=True)
def parsed_once() -> None:
    """The tests of this module share a fixture, and so run in one worker: only that one parses."""
    for path in SOURCES:
        tree(path)


def imports(path: Path) -> Iterator[str]:
    """The dotted names that a source file imports anywhere; from-imports also with each imported
    name.
    """
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path.name} uses a relative import"
            yield node.module or ""
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


# One import for each contract that breaks it: the file, and the module it must not import.
VIOLATIONS = {
    "packages": ("onion/errors.py", "dropbox.errors"),
    "core": ("dropbox/errors.py", "dropbox.sizes"),
    "front": ("dropbox/front/form_token.py", "dropbox.front.forms"),
    "vault": ("dropbox/vault/slot_file.py", "dropbox.vault.day_store"),
    "onion": ("onion/errors.py", "onion.torrc"),
    "rooms": ("scripts/terminal.py", "scripts.newsite"),
    "operator": ("scripts/operator/health_finding.py", "scripts.operator.health"),
    "desk": ("scripts/desk/case.py", "scripts.desk.search.folding"),
    "commands": ("scripts/desk/commands/show.py", "scripts.desk.commands.find"),
    "weeks": ("scripts/desk/case.py", "scripts.ceremony.paper"),
    "offline": ("scripts/desk/disk.py", "socket"),
    "web": ("scripts/courier/transfer.py", "flask"),
    "blind": ("dropbox/campaign.py", "dropbox.codename"),
    "forgetful": ("dropbox/report.py", "sqlite3"),
    "gpg": ("dropbox/report.py", "gnupg"),
    "hpke": ("dropbox/block.py", "cryptography"),
    "tor": ("onion/launch.py", "stem"),
    "sqlite": ("dropbox/front/uniform_response.py", "sqlite3"),
    "pictures": ("scripts/desk/pictures/frames.py", "scripts.desk.pictures.look"),
    "transcripts": ("scripts/desk/transcripts/lines.py", "scripts.desk.transcripts.layout"),
    "recognizer": ("scripts/desk/transcripts/recognition.py", "numpy"),
    "pixels": ("scripts/desk/evidence.py", "PIL"),
    "pages": ("scripts/desk/translating.py", "fpdf"),
    "rich": ("scripts/desk/evidence.py", "rich"),
    "textual": ("scripts/desk/options.py", "textual"),
}


def contracts() -> dict[str, str]:
    """Every contract's name, by its key in setup.cfg."""
    settings = configparser.ConfigParser()
    settings.read(ROOT / "setup.cfg", "utf-8")
    sections = (name for name in settings if name.startswith("importlinter:contract:"))
    return {name.rpartition(":")[2]: settings[name]["name"] for name in sections}


def lint_imports(tree: Path) -> subprocess.CompletedProcess[str]:
    """What import-linter says of *tree*."""
    command = [str(Path(sys.executable).with_name("lint-imports")), "--no-cache"]
    return subprocess.run(command, cwd=tree, capture_output=True, text=True, check=False)


@pytest.mark.slow
def test_the_import_contracts_hold() -> None:
    done = lint_imports(ROOT)

    assert done.returncode == 0, done.stdout


@pytest.mark.slow
def test_each_import_contract_is_broken_by_the_import_that_it_forbids(tmp_path: Path) -> None:
    for package in PACKAGES:
        shutil.copytree(ROOT / package, tmp_path / package, ignore=shutil.ignore_patterns("*.pyc"))
    shutil.copy(ROOT / "setup.cfg", tmp_path)
    for name, forbidden in VIOLATIONS.values():
        with (tmp_path / name).open("a", encoding="utf-8") as file:
            file.write(f"\n\ndef _violate() -> None:\n    import {forbidden}\n")

    done = lint_imports(tmp_path)

    assert set(VIOLATIONS) == set(contracts())
    kept = [
        name
        for name in contracts().values()
        if not re.search(rf"^{re.escape(name)}\s*BROKEN", done.stdout, re.MULTILINE)
    ]
    assert kept == [], done.stdout


def test_the_packages_themselves_import_nothing() -> None:
    for path in SOURCES:
        if path.name == "__init__.py":
            assert list(imports(path)) == [], path


def test_only_the_registers_and_the_audit_speak_sql_to_an_open_casebook() -> None:
    borrowers = {module(path) for path in SOURCES if "casebook.database" in path.read_text("utf-8")}

    assert borrowers == REGISTERS | ASKING


def test_only_the_tombstones_of_the_vault_are_sealed_and_nothing_in_it_is_opened() -> None:
    """A contract cannot say it: the modules of day keys and tombstones do both.

    The migration, which runs while no vault does, wraps what it converts, and checks that.
    """
    keys = {
        "dropbox.block",
        "dropbox.hpke",
        "dropbox.day_key.DayKey",
        "dropbox.tombstone.Tombstone",
    }
    found = {
        (path.stem, name)
        for path in (ROOT / "dropbox" / "vault").glob("*.py")
        if path.stem != "migration"
        for name in set(imports(path)) & keys
    }
    assert found == {
        ("tombstones", "dropbox.day_key.DayKey"),
        ("tombstones", "dropbox.tombstone.Tombstone"),
    }
    for name in ("tombstones", "kept_keys", "intake_routes"):
        text = (ROOT / "dropbox" / "vault" / f"{name}.py").read_text("utf-8")
        assert ".open(" not in text and "from_content" not in text


def test_modules_are_nouns_of_the_domain() -> None:
    assert [module(path) for path in SOURCES if set(module(path).split(".")) & BANNED_NAMES] == []


def test_two_modules_share_a_name_only_if_both_are_that_verb_or_every_package_has_one() -> None:
    """Front, vault and onion each have errors, a factory and their WSGI application; the drop and
    the desk each have commands of one name, as `backup` and `status`.
    """
    paths: dict[str, set[str]] = {}
    for path in SOURCES:
        paths.setdefault(path.stem, set()).add(module(path))
    shared = {name: found for name, found in paths.items() if len(found) > 1}
    for name in ("__init__", "__main__", "errors", "factory", "wsgi"):
        del shared[name]

    assert shared == {
        "backup": {"scripts.desk.commands.backup", "scripts.operator.backup"},
        "clock": {"scripts.desk.commands.clock", "scripts.operator.clock"},
        "migrate": {"scripts.desk.commands.migrate", "scripts.operator.migrate"},
        "restore": {"scripts.desk.commands.restore", "scripts.operator.restore"},
        "status": {"scripts.desk.commands.status", "scripts.operator.status"},
    }


@pytest.mark.slow
def test_nobody_catches_everything() -> None:
    for path in SOURCES:
        for node in ast.walk(tree(path)):
            if isinstance(node, ast.ExceptHandler):
                caught = ast.unparse(node.type) if node.type else "everything"
                assert caught not in ("everything", "Exception", "BaseException"), (
                    f"{module(path)}, line {node.lineno}"
                )


def test_no_module_prints_or_logs_but_the_command_lines() -> None:
    """Plaintext cannot reach a log through modules that have none."""
    for path in SOURCES:
        if module(path).startswith("dropbox"):
            calls = [node for node in ast.walk(tree(path)) if isinstance(node, ast.Call)]
            assert not [call for call in calls if ast.unparse(call.func) == "print"], module(path)


def test_the_words_that_would_frighten_are_never_used() -> None:
    """审查员 is a censor, 审核人员 a moderator of WeChat, 线人 an informer, 举报 a denunciation,
    代号 the word of a spy: never our people, never their reports, never the codename.
    """
    texts = [
        *(ROOT / "templates").rglob("*.html"),
        *(ROOT / "dropbox" / "translations").rglob("*.po"),
        ROOT / "dropbox" / "campaign.toml",
    ]
    assert len(texts) > 5
    for path in texts:
        assert not re.findall(
            "审查员|審查員|审核人|審核人|线人|線人|举报|舉報|揭发者|代号|代號",
            path.read_text("utf-8"),
        ), path.name


def test_no_test_imports_another_test_or_its_fixtures() -> None:
    """What tests share is in tests/support/ or a fixture of a conftest.py; this holds for what
    they start, too.
    """
    tests = ROOT / "tests"
    modules = {path.stem for path in tests.rglob("test_*.py")} | {"conftest"}
    named = re.compile(rf"\b(?:from|import)\s+(?:[\w.]+\.)?({'|'.join(sorted(modules))})\b")
    found = {
        f"{path.relative_to(tests)}: {match[1]}"
        for path in tests.rglob("*.py")
        for match in named.finditer(path.read_text("utf-8"))
    }

    assert len(modules) > 60 and found == set()


def test_no_two_test_files_have_one_name() -> None:
    """Tests are no package: pytest would take the second for the first, and run none."""
    names = [path.name for path in (ROOT / "tests").rglob("test_*.py")]

    assert sorted(names) == sorted(set(names))
