"""Every render is sound by judges that are not ours; each class of mistake is one that a judge finds."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from infra.paths import TEMPLATES
from infra.render import generate
from tests.pipelines import checkers, plans

pytestmark = pytest.mark.unit
BROKEN: dict[str, dict[str, Any]] = yaml.safe_load(
    Path(__file__).with_name("broken.yaml").read_text(encoding="utf-8")
)
POSIX = ("gitlab-login", "gitlab-login-ecr", "gitlab-try", "gitlab-publish", "gitlab-scan")  # Alpine's sh
SCRIPTS = sorted(path.stem for path in (TEMPLATES / "workflows").glob("*.sh"))


@pytest.mark.parametrize("name", plans.GITHUB)
def test_no_judge_finds_anything_in_the_workflows(tmp_path: Path, name: str) -> None:
    assert checkers.github(checkers.written(plans.files(name), tmp_path)) == []


@pytest.mark.parametrize("name", plans.GITLAB)
def test_gitlabs_schema_takes_the_pipeline(tmp_path: Path, name: str) -> None:
    assert checkers.gitlab(checkers.written(plans.files(name), tmp_path)) == []


@pytest.mark.parametrize("case", BROKEN)
def test_each_class_of_mistake_is_found_by_its_judge(tmp_path: Path, case: str) -> None:
    wanted = BROKEN[case]
    name = ".gitlab-ci.yml" if wanted["judge"] == "gitlab" else ".github/workflows/broken.yml"
    paths = checkers.written({name: wanted["text"]}, tmp_path)
    found = getattr(checkers, wanted["judge"])(paths)
    assert any(wanted["found"] in line for line in found), found


@pytest.mark.parametrize("name", SCRIPTS)
def test_shellcheck_finds_nothing_in_a_script(name: str) -> None:
    text = (TEMPLATES / "workflows" / f"{name}.sh").read_text(encoding="utf-8")
    assert checkers.shellcheck(text, "sh" if name in POSIX else "bash") == []


def test_shellcheck_finds_a_word_that_splits() -> None:
    assert [line[:6] for line in checkers.shellcheck("rm $1\n", "sh")] == ["SC2086"]


@pytest.mark.parametrize("provider", ["github", "gitlab"])
def test_the_committed_example_is_sound_too(provider: str) -> None:
    folder = generate.PIPELINES / provider
    paths = [path for path in generate.outputs() if folder in path.parents]
    assert paths
    assert getattr(checkers, provider)(paths) == []
