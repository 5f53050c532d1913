"""How long a review of 5,000 resources takes, beside `json.loads` of the same preview; needs no sandbox."""

from __future__ import annotations

import json

from infra.review import formats, run
from infra.review.form import Format
from infra.review.words import Commands
from tests.bench.checking import median_seconds
from tests.review import many
from tests.review.stacks import STACK

MOST_SECONDS = 2.0


def figures(count: int = many.COUNT) -> dict[str, float]:
    """Seconds: the whole review from text to text, and reading the JSON alone."""
    text = many.text(count)

    def review() -> str:
        found = run.reviewed(text, STACK)
        return formats.render(found.report, Format.MARKDOWN, Commands(digest=found.digest))

    return {
        "review": median_seconds(review),
        "review_floor": median_seconds(lambda: json.loads(text)),
        "review_megabytes": len(text) / 1e6,
    }


def main() -> dict[str, float]:
    """Print one line per figure; return all."""
    found = figures()
    floor, taken = found["review_floor"], found["review"]
    print(f"json.loads of {found['review_megabytes']:.0f} MB of a preview       {floor:7.3f} s   1.0")
    print(f"review of {many.COUNT} resources             {taken:7.3f} s   {taken / floor:.1f}")
    return found


if __name__ == "__main__":
    main()
