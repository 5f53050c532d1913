"""What PromQL expressions ask for: metrics, the labels by which they are chosen and summed, as what kind."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import promql_parser as promql

# Functions that make sense of a counter alone, and those that say of any series whether it is there.
OF_COUNTERS = frozenset({"rate", "irate", "increase", "resets"})
OF_ANYTHING = frozenset({"absent", "absent_over_time", "changes", "count_over_time", "present_over_time"})


@dataclass(frozen=True)
class Asked:
    """One selector: ``chosen`` are the values it wants (label, pattern), ``labels`` all that it names, ``by``
    the labels by which what is made of it is put together, ``function`` the nearest around it."""

    metric: str
    chosen: tuple[tuple[str, str], ...]
    labels: frozenset[str]
    by: frozenset[str]
    function: str


def asked(expression: str) -> list[Asked]:
    """Every selector of the expression. Raises ValueError where it is no PromQL."""
    return list(_within(promql.parse(expression), "", frozenset()))


def _within(node: Any, function: str, by: frozenset[str]) -> Iterator[Asked]:
    match node:
        case promql.VectorSelector():
            yield _selector(node, function, by)
        case promql.MatrixSelector():
            yield _selector(node.vector_selector, function, by)
        case promql.Call():
            for part in node.args:
                yield from _within(part, node.func.name, by)
        case promql.AggregateExpr():
            how = node.modifier
            kept = how.labels if how and how.type == promql.AggModifierType.By else ()
            yield from _within(node.expr, function, by | frozenset(kept))
        case promql.BinaryExpr():
            for side in (node.lhs, node.rhs):
                yield from _within(side, "", by)
        case promql.ParenExpr() | promql.UnaryExpr() | promql.SubqueryExpr():
            yield from _within(node.expr, function, by)
        case promql.NumberLiteral() | promql.StringLiteral():
            return
        case _:
            raise TypeError(f"no part of PromQL that this reads: {type(node).__name__}")


def _selector(node: Any, function: str, by: frozenset[str]) -> Asked:
    matchers = node.matchers.matchers
    exact = [(item.name, re.escape(item.value)) for item in matchers if item.op == promql.MatchOp.Equal]
    likely = [(item.name, item.value) for item in matchers if item.op == promql.MatchOp.Re]
    chosen = (*exact, *likely)
    return Asked(node.name, chosen, frozenset(item.name for item in matchers), by, function)
