"""The structure that keeps plaintext, ciphertext and the network apart: who may import whom, and what things are called."""

import ast
import re
from collections.abc import Iterator
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

# What is made from the casebook's tables, and may be made again; and what else asks its open file.
REGISTERS = {
    "scripts.desk.search.similar",
    "scripts.desk.search.finding",
    "scripts.desk.search.summary",
}
ASKING = {"scripts.desk.commands.acts", "scripts.desk.audit", "scripts.desk.identity"}

# Lower layers first; a module imports only from its own layer's listed exceptions and from layers before it.
LAYERS = [
    {"dropbox.errors", "dropbox.error_log", "dropbox.sizes", "dropbox.label", "dropbox.key_expiry"},
    {"dropbox.durable_file", "dropbox.landlock", "dropbox.seccomp"},
    {"dropbox.lockdown"},
    {
        *(
            "dropbox.gpg_agent",
            "dropbox.gpg_process",
            "dropbox.padding",
            "dropbox.packets",
            "dropbox.question",
            "dropbox.review_codes",
        ),
        *("dropbox.settings", "dropbox.ready_answer"),
    },
    {"dropbox.campaign", "dropbox.gpg_output"},
    {"dropbox.codename", "dropbox.report", "dropbox.openpgp"},
    {"dropbox.sealing", "dropbox.reply", "dropbox.bundle"},
    {"dropbox.front", "dropbox.vault", "scripts"},
]


def module(path: Path) -> str:
    """The dotted name of a source file."""
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def imports(path: Path) -> Iterator[str]:
    """The dotted names that a source file imports, wherever in it; from-imports also with each imported name."""
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path.name} uses a relative import"
            yield node.module or ""
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def users(*names: str) -> set[str]:
    """The modules that import one of the top-level packages *names*."""
    return {
        module(path)
        for path in SOURCES
        if any(name.split(".")[0] in names for name in imports(path))
    }


def layer(name: str) -> int | None:
    """The number of the layer in which the module *name* is, or None for a name that is not ours."""
    for number, members in enumerate(LAYERS):
        if any(name == member or name.startswith(member + ".") for member in members):
            return number
    return None


def test_every_module_of_the_core_has_its_layer() -> None:
    unplaced = [
        module(path)
        for path in SOURCES
        if module(path) not in ("dropbox", "onion") and layer(module(path)) is None
    ]

    assert [name for name in unplaced if not name.startswith("onion.")] == []


@pytest.mark.parametrize("path", SOURCES, ids=module)
def test_imports_point_down(path: Path) -> None:
    own = layer(module(path))
    for name in imports(path):
        other = layer(name)
        if own is not None and other is not None:
            assert other <= own, f"{module(path)} imports {name}, which stands above it"
        if own is not None and other == own and own < len(LAYERS) - 1:
            raise AssertionError(f"{module(path)} imports {name} of its own layer")


def test_the_front_and_the_vault_do_not_import_each_other() -> None:
    for path in SOURCES:
        rooms = {".".join(name.split(".")[:2]) for name in imports(path)} & {
            "dropbox.front",
            "dropbox.vault",
        }
        if module(path).startswith("dropbox.front"):
            assert "dropbox.vault" not in rooms
        elif module(path).startswith("dropbox.vault"):
            assert "dropbox.front" not in rooms


def test_the_onion_imports_nothing_of_the_drop_and_the_drop_nothing_of_the_onion() -> None:
    for path in SOURCES:
        tops = {name.split(".")[0] for name in imports(path)}
        if module(path).startswith("onion"):
            assert not tops & {"dropbox", "scripts"}, module(path)
        elif module(path).startswith("dropbox"):
            assert not tops & {"onion", "scripts"}, module(path)


def test_the_packages_themselves_import_nothing() -> None:
    for path in SOURCES:
        if path.name == "__init__.py":
            assert list(imports(path)) == []


def test_only_openpgp_talks_to_gpg() -> None:
    assert users("gnupg") == {"dropbox.openpgp"}


def test_only_the_vaults_file_and_the_casebook_with_its_logs_talk_to_sqlite() -> None:
    vault = {"dropbox.vault.database", "dropbox.vault.slots", "dropbox.vault.store"}
    offline = {
        f"casebook.{name}" for name in ("answers", "casebook", "custody", "file", "layers", "parts")
    }
    offline.add("search.derived")

    assert users("sqlite_utils", "sqlite3") == vault | {f"scripts.desk.{name}" for name in offline}


def test_only_the_registers_and_the_audit_speak_sql_to_an_open_casebook() -> None:
    borrowers = {module(path) for path in SOURCES if "casebook.database" in path.read_text("utf-8")}

    assert borrowers == REGISTERS | ASKING


def test_only_onion_control_talks_to_tor() -> None:
    assert users("stem") == {"onion.control"}


def test_the_vault_cannot_encrypt_decrypt_or_render() -> None:
    banned = {
        "gnupg",
        "dropbox.openpgp",
        "dropbox.sealing",
        "dropbox.codename",
        "dropbox.reply",
        "flask.render_template",
    }
    for path in SOURCES:
        if module(path).startswith("dropbox.vault"):
            assert not set(imports(path)) & banned, module(path)


@pytest.mark.parametrize("start", ["dropbox.front.wsgi", "dropbox.vault.wsgi"])
def test_no_way_leads_from_a_room_to_what_it_must_not_have(start: str) -> None:
    """Followed through every module: the front reaches no SQLite, the vault no gpg."""
    by_name = {module(path): path for path in SOURCES}
    reached, waiting = set(), [start]
    while waiting:
        name = waiting.pop()
        if name in by_name and name not in reached:
            waiting += imports(by_name[name])
        reached.add(name)

    banned = (
        {"sqlite3", "sqlite_utils", "stem"}
        if "front" in start
        else {"gnupg", "dropbox.openpgp", "stem"}
    )
    assert {name.split(".")[0] for name in reached} & banned == set() and reached & banned == set()


def test_the_offline_tools_import_no_web_code() -> None:
    for path in SOURCES:
        if module(path).startswith("scripts"):
            found = {name.split(".")[0] for name in imports(path)} & {
                "flask",
                "werkzeug",
                "flask_wtf",
                "flask_babel",
                "wtforms",
            }
            assert not found, f"{module(path)} imports {found}"
            assert not any(
                name.startswith(("dropbox.front", "dropbox.vault")) for name in imports(path)
            ), module(path)


def test_the_desk_imports_nothing_that_opens_a_network() -> None:
    by_name = {module(path): path for path in SOURCES}
    reached, waiting = set(), ["scripts.desk.__main__"]
    while waiting:
        name = waiting.pop()
        if name in by_name and name not in reached:
            waiting += imports(by_name[name])
        reached.add(name)

    assert {name.split(".")[0] for name in reached} & {
        "httpx",
        "socket",
        "urllib",
        "http",
        "requests",
        "stem",
    } == set()


def test_modules_are_nouns_of_the_domain() -> None:
    assert [module(path) for path in SOURCES if set(module(path).split(".")) & BANNED_NAMES] == []


def test_nobody_catches_everything() -> None:
    for path in SOURCES:
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.ExceptHandler):
                caught = ast.unparse(node.type) if node.type else "everything"
                assert caught not in ("everything", "Exception", "BaseException"), (
                    f"{module(path)}, line {node.lineno}"
                )


def test_no_module_prints_or_logs_but_the_command_lines() -> None:
    """Plaintext cannot reach a log through modules that have none."""
    for path in SOURCES:
        if module(path).startswith("dropbox"):
            calls = [
                node
                for node in ast.walk(ast.parse(path.read_text("utf-8")))
                if isinstance(node, ast.Call)
            ]
            assert not [call for call in calls if ast.unparse(call.func) == "print"], module(path)


def test_the_words_that_would_frighten_are_never_used() -> None:
    """审查员 is a censor, 线人 an informer, 举报 a denunciation: never our people, never their reports."""
    texts = [
        *(ROOT / "templates").rglob("*.html"),
        *(ROOT / "dropbox" / "translations").rglob("*.po"),
        ROOT / "dropbox" / "campaign.toml",
    ]
    assert len(texts) > 5
    for path in texts:
        assert not re.findall(
            "审查员|審查員|线人|線人|举报|舉報|揭发者", path.read_text("utf-8")
        ), path.name
