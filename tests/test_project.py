"""House rules that a program can check, so that people need not."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PACKAGES = ("daydreamer", "robots", "calibration")
SOURCES = sorted(path for package in PACKAGES for path in (ROOT / package).rglob("*.py"))
TESTS = sorted((ROOT / "tests").rglob("*.py"))
PAGES = sorted(
    [*ROOT.glob("*.md"), *(p for d in ("calibration", "docs", "launch") for p in (ROOT / d).rglob("*.md"))]
)

MAX_LINES = 400
WITHOUT_A_ROOM = {"utils", "util", "helpers", "common", "tools", "misc"}
UNSAFE = {
    "pickle",
    "cPickle",
    "cloudpickle",
    "dill",
    "marshal",
    "shelve",
}  # reading one can run its writer's code


def name(path: Path) -> str:
    return str(path.relative_to(ROOT))


def imported(path: Path) -> set[str]:
    """The top-level names of all that ``path`` imports, lazily or not."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            found.add(node.module.split(".")[0])
    return found


def test_no_file_has_outgrown_one_idea():
    long = {
        name(path): n
        for path in SOURCES + TESTS
        if (n := len(path.read_text("utf-8").splitlines())) > MAX_LINES
    }
    assert not long, f"over {MAX_LINES} lines, each wants to be two files: {long}"


def test_every_module_has_a_room():
    homeless = [name(path) for path in SOURCES if {path.stem, path.parent.name} & WITHOUT_A_ROOM]
    assert not homeless, f"name these for what they do: {homeless}"


def test_every_package_has_a_caption():
    folders = {path.parent for path in SOURCES}
    assert not [name(f) for f in folders if not (f / "__init__.py").exists()], (
        "a folder of modules needs __init__.py"
    )
    for folder in sorted(folders):
        caption = ast.get_docstring(ast.parse((folder / "__init__.py").read_text("utf-8")))
        assert caption, f"{name(folder)}/__init__.py has no caption: say in one line what lives there"
        assert len(caption.splitlines()) == 1, (
            f"{name(folder)}/__init__.py: the caption is one line, got {caption!r}"
        )


def test_launch_is_not_a_package():
    # ROS 2 installs a package called `launch`; a second one of that name would hide it.
    assert not list((ROOT / "launch").rglob("__init__.py"))


def test_tests_are_not_packages():
    assert not list((ROOT / "tests").rglob("__init__.py")), (
        "tests are imported by file (--import-mode=importlib)"
    )


def unsafe_calls(source: str) -> list[str]:
    """Calls in ``source`` that could run what a file's writer put into it, with their lines."""
    found = []
    for node in ast.walk(ast.parse(source)):
        if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)):
            continue
        call = ast.unparse(node.func)
        keywords = {word.arg: ast.unparse(word.value) for word in node.keywords}
        if call.split(".")[0] in UNSAFE or (call == "torch.load" and keywords.get("weights_only") != "True"):
            found.append(f"line {node.lineno}: {call}")
        if keywords.get("allow_pickle") == "True":
            found.append(f"line {node.lineno}: {call}(allow_pickle=True)")
    return found


def test_nothing_reads_a_format_that_can_run_code():
    guilty = {name(path): bad for path in SOURCES if (bad := unsafe_calls(path.read_text("utf-8")))}
    assert not guilty, guilty


def test_the_check_for_unsafe_formats_sees_them():
    assert unsafe_calls("pickle.loads(data)") == ["line 1: pickle.loads"]
    assert unsafe_calls("torch.load(file)") == ["line 1: torch.load"]
    assert unsafe_calls("np.load(file, allow_pickle=True)") == ["line 1: np.load(allow_pickle=True)"]
    assert unsafe_calls("torch.load(file, weights_only=True)") == []


def test_robots_take_their_time_from_a_clock():
    guilty = [
        name(p)
        for p in SOURCES
        if p.parts[len(ROOT.parts)] == "robots" and p.name != "clock.py" and "time" in imported(p)
    ]
    assert not guilty, f"take a robots.clock.Clock instead of importing time: {guilty}"


def test_every_direct_dependency_is_pinned():
    tomllib = pytest.importorskip("tomllib")
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    wanted = [
        *project["dependencies"],
        *(need for extra in project["optional-dependencies"].values() for need in extra),
    ]
    lines = (ROOT / "constraints.txt").read_text("utf-8").splitlines()
    pinned = {line.split("==")[0].lower().replace("_", "-") for line in lines if "==" in line}
    missing = [
        need for need in wanted if re.split(r"[<>=\[; ]", need)[0].lower().replace("_", "-") not in pinned
    ]
    assert not missing, f"pin these in constraints.txt, with all that they bring: {missing}"


def anchors(page: Path) -> set[str]:
    """What a link may follow ``#`` with: the headings of ``page`` as the forge that shows it spells them."""
    text = re.sub(r"^```.*?^```", "", page.read_text("utf-8"), flags=re.DOTALL | re.MULTILINE)
    headings = re.findall(r"^#+ +(.+?) *$", text, flags=re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_links_between_documents_lead_somewhere(page):
    broken = []
    for link in re.findall(r"\]\(([^)\s]+)\)", page.read_text("utf-8")):
        path, _, anchor = link.partition("#")
        target = page.parent / path if path else page
        if "://" not in link and not (target.exists() and (not anchor or anchor in anchors(target))):
            broken.append(link)
    assert not broken, f"{name(page)} points to {broken}"


@pytest.mark.parametrize(
    "decision", sorted((ROOT / "docs/decisions").glob("*.md")), ids=lambda path: path.stem
)
def test_a_decision_is_short_and_has_its_three_parts(decision):
    lines = decision.read_text("utf-8").splitlines()
    assert len(lines) <= 40
    assert [line for line in lines if line.startswith("## ")] == [
        "## Context",
        "## Decision",
        "## Consequences",
    ]
