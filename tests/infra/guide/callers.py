"""Which commands the code of a test runs, its fixtures and helpers included: read, not run.

So a page may point at a live test that runs its command, and hears of it when that test no longer does.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from pathlib import Path

from infra.paths import ROOT

ANY = "…"  # a word that only a run knows
Words = tuple[str, ...]
Function = ast.FunctionDef | ast.AsyncFunctionDef


def runs(test: str, verb: list[str], beside: set[str], root: Path = ROOT) -> bool:
    """Whether ``path::function`` runs a command: the words of ``verb`` one after the other, options between
    them not counted, and with them everything of ``beside``."""
    return any(_holds(words, verb, beside) for words in _said(test, root))


def _holds(words: Words, verb: list[str], beside: set[str]) -> bool:
    plain = [word for word in words if not word.startswith("-")]
    starts = range(len(plain) - len(verb) + 1)
    return beside <= set(words) and any(plain[start : start + len(verb)] == verb for start in starts)


def _said(test: str, root: Path) -> Iterator[Words]:
    path, _, name = test.partition("::")
    functions = _functions(root / path, root)
    assert name in functions, f"there is no test {test}"
    reached, waiting = set[str](), [name]
    while waiting:
        current = waiting.pop()
        if current in reached:
            continue
        reached.add(current)
        for function in functions[current]:
            waiting += sorted(_names(function) & set(functions) - reached)
            yield from _words_of(function)
    for current in sorted(reached):
        yield from _with_what_is_handed_on(current, functions, reached)


def _functions(path: Path, root: Path) -> Mapping[str, list[Function]]:
    """By name: those of the file, of its conftest files, and of what it imports of the tests."""
    found: dict[str, list[Function]] = {}
    seen, waiting = set[Path](), [path, *(folder / "conftest.py" for folder in path.parents)]
    while waiting:
        file = waiting.pop()
        if file in seen or not file.is_file() or not file.is_relative_to(root):
            continue
        seen.add(file)
        tree = ast.parse(file.read_text(encoding="utf-8"))
        for node in ast.walk(tree):
            if isinstance(node, Function):
                found.setdefault(node.name, []).append(node)
            elif isinstance(node, ast.ImportFrom) and (node.module or "").startswith("tests."):
                place = root.joinpath(*str(node.module).split("."))
                waiting += [place.with_suffix(".py"), *(place / f"{each.name}.py" for each in node.names)]
    return found


def _names(function: Function) -> set[str]:
    """What it uses: names, attributes, and its fixtures; usefixtures among its decorators too."""
    used = {argument.arg for argument in function.args.args}
    for node in ast.walk(function):
        if isinstance(node, ast.Name):
            used.add(node.id)
        elif isinstance(node, ast.Attribute):
            used.add(node.attr)
    for decorator in function.decorator_list:
        used |= {str(each.value) for each in ast.walk(decorator) if isinstance(each, ast.Constant)}
    return used


def _words_of(function: Function) -> Iterator[Words]:
    local = _tuples(function)
    for node in ast.walk(function):
        if isinstance(node, ast.Call):
            yield _flat(node.args, local)
        elif isinstance(node, ast.Tuple | ast.List):
            yield _flat(node.elts, local)


def _tuples(function: Function) -> Mapping[str, list[ast.expr]]:
    """Name → elements of the tuples and lists that it is given in the function."""
    return {
        target.id: node.value.elts
        for node in ast.walk(function)
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Tuple | ast.List)
        for target in node.targets
        if isinstance(target, ast.Name)
    }


def _flat(elements: list[ast.expr], local: Mapping[str, list[ast.expr]]) -> Words:
    words: list[str] = []
    for each in elements:
        if isinstance(each, ast.Constant) and isinstance(each.value, str):
            words += each.value.split()
        elif isinstance(each, ast.JoinedStr):
            parts = (str(part.value) if isinstance(part, ast.Constant) else ANY for part in each.values)
            words += "".join(parts).split()
        elif isinstance(each, ast.Starred) and isinstance(each.value, ast.Name) and each.value.id in local:
            words += _flat(local[each.value.id], {})
        else:
            words.append(ANY)
    return tuple(words)


def _with_what_is_handed_on(
    name: str, functions: Mapping[str, list[Function]], reached: set[str]
) -> Iterator[Words]:
    """A helper that puts its ``*arguments`` into a longer list says the list with what it is called with."""
    for function in functions[name]:
        if function.args.vararg is None:
            continue
        lists = _lists_with(function.args.vararg.arg, function)
        for caller in (each for other in sorted(reached) for each in functions[other]):
            for node in ast.walk(caller):
                if isinstance(node, ast.Call) and _called(node) == name:
                    given = _flat(node.args, _tuples(caller))
                    yield from ((*before, *given, *after) for before, after in lists)


def _lists_with(arguments: str, function: Function) -> list[tuple[Words, Words]]:
    """What stands before and after ``*arguments`` in the function's lists."""
    found = []
    for node in ast.walk(function):
        if not isinstance(node, ast.Tuple | ast.List):
            continue
        for index, each in enumerate(node.elts):
            if (
                isinstance(each, ast.Starred)
                and isinstance(each.value, ast.Name)
                and each.value.id == arguments
            ):
                found.append((_flat(node.elts[:index], {}), _flat(node.elts[index + 1 :], {})))
    return found


def _called(node: ast.Call) -> str:
    called = node.func
    return called.id if isinstance(called, ast.Name) else getattr(called, "attr", "")
