"""Mutation test of ``robots/safety``: change one thing in the code, and see whether a test notices.

    python tests/robots/safety/mutate.py [--only core.py] [--list] [--seconds 120]

A change that no test notices is a hole in the tests, or one that changes nothing; the latter are explained in
``EXPLAINED``. Each mutant runs in a process of its own, on a copy of the tree in a temporary directory. It takes
many minutes; ``nice`` it.
"""

from __future__ import annotations

import argparse
import ast
import copy
import itertools
import os
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
CODE, TESTS = Path("robots/safety"), Path("tests/robots/safety")
COPIED = (
    "robots", "launch/estop", "tests/contracts", "tests/robots/a1/test_remote.py", str(TESTS), "docs/safety.md",
    "pyproject.toml",
)  # fmt: skip
LEFT_OUT = ("test_guard_on_stand_in.py", "test_mutate.py")  # slow, and about the script itself
LAST = ("test_safety_properties.py",)  # slower than the others
OPTIONS = ("-x", "-q", "-p", "no:cacheprovider", "-p", "no:timeout")  # that one would take our alarm away
SECONDS = 120  # for one mutant, after which it counts as noticed: it hangs; --seconds for a busy computer

# Mutants that change nothing: "FILE FUNCTION: BEFORE -> AFTER" and why.
EXPLAINED = {
    "checks.py position: pos[joint] < lower[joint] -> pos[joint] <= lower[joint]": (
        "the joint was chosen for being outside, so it is on neither limit"
    ),
    "core.py _compare: memory.last is None or memory.trail is None -> memory.last is None and memory.trail is None": (
        "both are set together; the second is asked for the type checker's sake"
    ),
}

SWAPS: dict[type, tuple[type, ...]] = {
    ast.Lt: (ast.LtE, ast.GtE), ast.LtE: (ast.Lt, ast.Gt), ast.Gt: (ast.GtE, ast.LtE), ast.GtE: (ast.Gt, ast.Lt),
    ast.Eq: (ast.NotEq,), ast.NotEq: (ast.Eq,), ast.Is: (ast.IsNot,), ast.IsNot: (ast.Is,),
    ast.In: (ast.NotIn,), ast.NotIn: (ast.In,), ast.And: (ast.Or,), ast.Or: (ast.And,),
    ast.Add: (ast.Sub,), ast.Sub: (ast.Add,), ast.Mult: (ast.Div,), ast.Div: (ast.Mult,),
    ast.BitAnd: (ast.BitOr,), ast.BitOr: (ast.BitAnd,),
}  # fmt: skip
NAMES = {
    "min": "max", "max": "min", "minimum": "maximum", "maximum": "minimum", "any": "all", "all": "any",
    "argmax": "argmin",
}  # fmt: skip


@dataclass(frozen=True)
class Mutant:
    """One changed file."""

    file: str
    line: int
    change: str  # "FUNCTION: BEFORE -> AFTER"
    source: str

    @property
    def key(self) -> str:
        """Its name in ``EXPLAINED``; it has no line number, which would change with every edit."""
        return f"{self.file} {self.change}"


def mutants(file: str, source: str) -> Iterator[Mutant]:
    """Every mutant of one module."""
    tree = ast.parse(source)
    for number, (function, node) in enumerate(_places(tree)):
        for kind in range(len(_variants(node))):
            changed = copy.deepcopy(tree)
            twin = list(_places(changed))[number][1]
            _replace(changed, twin, _variants(twin)[kind])
            before, after = ast.unparse(node), ast.unparse(_variants(copy.deepcopy(node))[kind])
            change = f"{function}: {before} -> {after}"
            yield Mutant(file, node.lineno, " ".join(change.split()), ast.unparse(changed))


def _places(tree: ast.AST, function: str = "module") -> Iterator[tuple[str, ast.AST]]:
    """Nodes that can be changed, with the function they are in. Annotations mean nothing when run."""
    for name, value in ast.iter_fields(tree):
        if name in ("annotation", "returns"):
            continue
        for child in value if isinstance(value, list) else [value]:
            if not isinstance(child, ast.AST):
                continue
            inside = child.name if isinstance(child, ast.FunctionDef | ast.ClassDef) else function
            if hasattr(child, "lineno") and _variants(child):
                yield inside, child
            yield from _places(child, inside)


def _variants(node: ast.AST) -> list[ast.AST]:
    """What ``node`` can be changed into."""
    made: list[ast.AST] = []
    match node:
        case ast.Compare(ops=ops):
            made = [
                _with(node, ops=[*ops[:index], swap(), *ops[index + 1 :]])
                for index, op in enumerate(ops)
                for swap in SWAPS.get(type(op), ())
            ]
        case ast.BoolOp(op=op) | ast.BinOp(op=op) | ast.AugAssign(op=op):
            made = [_with(node, op=swap()) for swap in SWAPS.get(type(op), ())]
        case ast.UnaryOp(op=ast.Not() | ast.USub(), operand=operand):
            made = [operand]
        case ast.Constant(value=bool(value)):
            made = [_with(node, value=not value)]
        case ast.Constant(value=int(value)):
            made = [_with(node, value=value + 1)]
        case ast.Constant(value=float(value)):
            made = [_with(node, value=value * 1.1 or 1.0)]
        case ast.Call(func=ast.Name(id=name)) if name in NAMES:
            made = [_with(node, func=ast.Name(NAMES[name], ast.Load()))]
        case ast.Call(func=ast.Attribute(attr=name, value=owner)) if name in NAMES:
            made = [_with(node, func=ast.Attribute(owner, NAMES[name], ast.Load()))]
        case ast.IfExp(body=body, orelse=orelse):
            made = [_with(node, body=orelse, orelse=body)]
        case ast.Expr(value=ast.Call()):
            made = [ast.Pass()]
    return made


def _with(node: ast.AST, **changes: object) -> ast.AST:
    changed = copy.copy(node)
    for name, value in changes.items():
        setattr(changed, name, value)
    return changed


def _replace(tree: ast.AST, old: ast.AST, new: ast.AST) -> None:
    for parent in ast.walk(tree):
        for name, value in ast.iter_fields(parent):
            if value is old:
                setattr(parent, name, new)
                return
            if isinstance(value, list) and any(item is old for item in value):
                setattr(parent, name, [new if item is old else item for item in value])
                return


def copy_tree(target: Path) -> None:
    """What the tests need, under ``target``."""
    skip = shutil.ignore_patterns("__pycache__", ".hypothesis")
    for name in COPIED:
        source, place = ROOT / name, target / name
        place.parent.mkdir(parents=True, exist_ok=True)
        if source.is_dir():
            shutil.copytree(source, place, ignore=skip)
        else:
            shutil.copy(source, place)


def ordered(tree: Path, file: str) -> list[list[str]]:
    """The test files in two groups, first those that name the mutated module: most mutants do not get past them."""
    stem = Path(file).stem
    names = sorted(path.name for path in (tree / TESTS).glob("test_*.py") if path.name not in LEFT_OUT)
    others = sorted((name for name in names if stem not in name), key=lambda name: (name in LAST, name))
    groups = [name for name in names if stem in name], others
    return [[str(TESTS / name) for name in group] for group in groups if group]


def noticed(tree: Path, file: str, seconds: int) -> bool:
    """True when some test fails on ``tree`` as it is now. The tests run in a fork of this process."""
    child = os.fork()
    if child == 0:
        code = 1
        try:
            code = _run(tree, ordered(tree, file), seconds)
        finally:
            os._exit(code)
    _, status = os.waitpid(child, 0)
    return status != 0


def _run(tree: Path, groups: list[list[str]], seconds: int) -> int:
    import pytest
    from hypothesis import HealthCheck, settings

    signal.alarm(seconds)
    os.chdir(tree)
    sys.path.insert(0, str(tree))
    sys.dont_write_bytecode = True
    with open(os.devnull, "w") as null:
        os.dup2(null.fileno(), 1)
        os.dup2(null.fileno(), 2)
        slow = [HealthCheck.too_slow]  # is no sign that a mutant was noticed
        settings.register_profile(
            "mutate", derandomize=True, database=None, deadline=None, suppress_health_check=slow
        )
        settings.load_profile("mutate")
        codes = (int(pytest.main([*OPTIONS, *group])) for group in groups)
        code = max(itertools.islice(filter(None, codes), 1), default=0)
    import robots.safety

    assert str(tree) in str(robots.safety.__file__), "the mutant must be what was tested"
    return code


def main() -> int:
    """Run all mutants; 0 when every survivor is explained."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--only", help="a file of robots/safety")
    parser.add_argument("--list", action="store_true", help="show the mutants and run nothing")
    parser.add_argument("--seconds", type=int, default=SECONDS, help="for one mutant")
    arguments = parser.parse_args()
    files = sorted(path for path in (ROOT / CODE).glob("*.py") if arguments.only in (None, path.name))
    made = [mutant for path in files for mutant in mutants(path.name, path.read_text())]
    if arguments.list:
        sys.stdout.writelines(f"{mutant.file}:{mutant.line} {mutant.change}\n" for mutant in made)
        return 0
    # The forks share what is imported here; what is mutated is not among it.
    import hypothesis.extra.numpy  # noqa: F401
    import pytest  # noqa: F401

    with tempfile.TemporaryDirectory() as directory:
        tree = Path(directory)
        copy_tree(tree)
        if noticed(tree, "", arguments.seconds):
            sys.stderr.write("the tests fail on the code as it is; make them pass first\n")
            return 2
        alive = [mutant for mutant in made if not _killed(tree, mutant, arguments.seconds)]
        return report(made, alive)


def _killed(tree: Path, mutant: Mutant, seconds: int) -> bool:
    place = tree / CODE / mutant.file
    begun, original = time.monotonic(), place.read_text()
    place.write_text(mutant.source)
    try:
        killed = noticed(tree, mutant.file, seconds)
    finally:
        place.write_text(original)
    word = "killed  " if killed else "SURVIVED"
    sys.stdout.write(
        f"{word} {time.monotonic() - begun:5.1f} s  {mutant.file}:{mutant.line} {mutant.change}\n"
    )
    sys.stdout.flush()
    return killed


def report(made: list[Mutant], alive: list[Mutant]) -> int:
    """The score, and who survived."""
    open_ = [mutant for mutant in alive if mutant.key not in EXPLAINED]
    sys.stdout.write(
        f"\n{len(made)} mutants, {len(made) - len(alive)} killed, {len(alive) - len(open_)} survivors explained, "
        f"{len(open_)} not\n"
    )
    for mutant in alive:
        reason = EXPLAINED.get(mutant.key, "NOT EXPLAINED")
        sys.stdout.write(f"  {mutant.file}:{mutant.line} {mutant.change}\n      {reason}\n")
    return 1 if open_ else 0


if __name__ == "__main__":
    sys.exit(main())
