"""Answers from flags, file and defaults: what is wrong is told where it stands, everything at once."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from app.core import values
from infra.cli import init
from infra.engine import sealing
from infra.errors import UserError
from infra.names import SANDBOX
from infra.onboarding import questions
from infra.onboarding.answers import FLAGS, QUESTIONS, Answers, Given, complete, gather
from infra.settings.images import Images

pytestmark = pytest.mark.unit
SOUND = "team: lighthouse\nimage: registry.example/lighthouse/service:1.4.2\n"
NAME_CONTEXT = "name a kubeconfig context; kubectl config get-contexts lists them"
BROKEN: dict[str, tuple[str, str]] = {
    "an unknown key": (
        SOUND + "modles: [ledger]\n",
        "3:1 modles: unknown key; did you mean modules?\n  → known keys here: team, modules, dev_context, "
        "staging_context, prod_context, image, domain, secrets_provider",
    ),
    "an unknown module": (
        SOUND + "modules: [leger]\n",
        '3:11 modules[0]: unknown value "leger"; did you mean ledger?\n  → use one of ledger, dispatch, '
        "catalog, support, assistant. Modules: the domains that the service runs.",
    ),
    "no module": (SOUND + "modules: []\n", "3:1 modules: is empty\n  → "),
    "a module as text": (
        SOUND + "modules: ledger\n",
        '3:1 modules: "ledger" is text, and a list is wanted\n',
    ),
    "a team in capitals": (
        SOUND.replace("lighthouse\n", "Lighthouse\n", 1),
        '1:1 team: "Lighthouse" does not have the right form\n  → for example ledger. Team: '
        "lower-case letters, digits and hyphens.",
    ),
    "a team as a number": (
        "team: 12\nimage: a/b:1\n",
        "1:1 team: 12 is a whole number, and text is wanted\n",
    ),
    "an image without a tag": (
        "team: lighthouse\nimage: registry.example/lighthouse/service\n",
        '2:1 image: "registry.example/lighthouse/service" does not have the right form\n  → for example '
        "registry.example/team/service:1.4.2. Image of the service",
    ),
    "a domain that is none": (
        SOUND + "domain: https://ledger.example.com\n",
        '3:1 domain: "https://ledger.example.com" does not have the right form\n',
    ),
    "staging on the sandbox": (
        SOUND + "staging_context: sandbox\n",
        f"3:1 staging_context: {SANDBOX}: only dev goes to this machine\n  → {NAME_CONTEXT}",
    ),
    "modules that the sandbox's service has not": (
        SOUND + "modules: [ledger, catalog]\ndev_context: sandbox\n",
        "4:1 dev_context: sandbox: the service built there has dispatch, ledger, not catalog\n  → name a "
        "kubeconfig context for dev, where your own image runs",
    ),
    "a key twice": (
        SOUND + "team: other\n",
        "3:1 team: stands twice, first in line 1\n  → keep one of the two",
    ),
    "a tab": (
        "team:\tlighthouse\n\timage: x\n",
        "1:6: holds a tab where YAML wants spaces\n  → indent with two spaces",
    ),
    "a list": ("- team\n", "1:1: is not a mapping of keys to values\n"),
}


def error(path: Path, text: str, flags: Mapping[str, Any]) -> str:
    path.write_text(text)
    with pytest.raises(UserError) as caught:
        complete(gather(flags, path))
    return str(caught.value)


@pytest.mark.parametrize("case", BROKEN)
def test_a_broken_answers_file_is_told_with_its_place(case: str, tmp_path: Path) -> None:
    text, message = BROKEN[case]
    file = tmp_path / "answers.yaml"
    assert error(file, text, {}).startswith(f"{file}:{message}")


def test_every_problem_is_told_at_once_and_a_flags_at_the_flag(tmp_path: Path) -> None:
    said = error(tmp_path / "answers.yaml", "modles: []\nimage: nothing\n", {"domain": "-", "team": "Me"})
    assert [line.rpartition("answers.yaml:")[2].split(":")[0] for line in said.splitlines()[::2]] == [
        "--team", "--domain", "1", "2",
    ]  # fmt: skip


def test_a_file_that_cannot_be_read_is_told(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"none\.yaml: does not exist"):
        gather({}, tmp_path / "none.yaml")


def test_a_flag_wins_over_the_file_and_an_empty_one_does_not_count(tmp_path: Path) -> None:
    file = tmp_path / "answers.yaml"
    file.write_text(SOUND)
    answers = complete(gather({"team": "harbour", "image": None, "modules": []}, file))
    assert (answers.team, answers.image) == ("harbour", "registry.example/lighthouse/service:1.4.2")


def test_problems_stand_in_the_order_of_the_lines_and_the_provider_is_among_them(tmp_path: Path) -> None:
    file = tmp_path / "answers.yaml"
    file.write_text("image: x\nsecrets_provider: ftp://x\ndomain: y\nteam: Lighthouse\n")
    with pytest.raises(UserError) as caught:
        complete(gather({"prod_context": "sandbox"}, file))
    assert [problem.where.replace(f"{file}:", "") for problem in caught.value.problems] == [
        "--prod-context", "1:1 image", "2:1 secrets_provider", "3:1 domain", "4:1 team"
    ]  # fmt: skip
    assert caught.value.problems[2].what.startswith("ftp://x is neither passphrase nor begins with one of ")


def test_what_is_not_answered_takes_its_default() -> None:
    answers = complete(Given({"team": "harbour", "image": "a/b:1"}))
    contexts = answers.dev_context, answers.staging_context, answers.prod_context
    assert contexts == ("sandbox", "harbour-staging", "harbour-prod")
    assert (answers.domain, answers.secrets_provider, list(answers.modules)) == (
        None,
        "passphrase",
        ["ledger"],
    )


def test_dev_stays_off_the_sandbox_where_its_service_lacks_a_module() -> None:
    answers = complete(Given({"team": "harbour", "image": "a/b:1", "modules": ["catalog"]}))
    assert answers.dev_context == "harbour-dev"


def test_there_are_at_most_seven_questions_and_each_has_a_flag() -> None:
    assert len(QUESTIONS) <= 7
    assert set(QUESTIONS) < set(FLAGS) == set(Answers.model_fields)


def test_an_answer_is_refused_by_the_question_in_one_line() -> None:
    said = questions.complaint("image", "service", {"team": "x"})
    assert said == (
        '"service" does not have the right form. for example registry.example/team/service:1.4.2. '
        "Image of the service with tag or digest, for all but the sandbox."
    )


def test_the_image_has_the_form_that_the_stack_file_wants() -> None:
    forms = [
        {item.pattern for item in model.model_fields[name].metadata if hasattr(item, "pattern")}
        for model, name in ((Answers, "image"), (Images, "service"))
    ]
    assert forms[0] == forms[1] != set()


def test_the_same_values_are_no_secret_here_and_for_the_service() -> None:
    assert set(sealing.PLACEHOLDERS) == set(values.PLACEHOLDERS)
    assert sealing.LEAST_DISTINCT == values.LEAST_DISTINCT


def test_a_password_in_the_providers_address_is_not_in_the_summary() -> None:
    raw = {"team": "lighthouse", "image": "a/b:1", "secrets_provider": "hashivault://me:hunter2@x/y"}
    assert init._lock(complete(Given(raw))) == "(hidden)"
