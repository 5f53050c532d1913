"""One comment, one issue: found again by a mark that nobody sees, changed, taken away when all is well."""

from __future__ import annotations

from collections.abc import Mapping

from infra.forge.forge import Forge

JOINT = "\n\n---\n\n"
CUT = "\n\n… cut here; the whole is in the artifacts of [this run]({run})."


def mark(about: str) -> str:
    """The line that a comment or an issue begins with."""
    return f"<!-- slipway:{about} -->"


def body(about: str, parts: Mapping[str, str], forge: Forge) -> str:
    """The text below its mark, no longer than the server takes; what is short stays whole."""
    head = f"{mark(about)}\n"
    texts = {name: text.strip() for name, text in parts.items() if text.strip()}
    room = forge.most_chars - len(head) - len(JOINT) * max(0, len(texts) - 1)
    shown: dict[str, str] = {}
    for left, (name, text) in enumerate(sorted(texts.items(), key=lambda item: len(item[1]))):
        shown[name] = _within(text, room // (len(texts) - left), CUT.format(run=forge.run))
        room -= len(shown[name])
    return head + JOINT.join(shown[name] for name in texts)


def _within(text: str, most: int, end: str) -> str:
    """The text, or its whole lines that leave room for ``end``."""
    if len(text) <= most:
        return text
    return text[: most - len(end)].rpartition("\n")[0] + end


def comment(forge: Forge, about: str, parts: Mapping[str, str]) -> str:
    """Make the pull request's one comment say ``parts``, or be gone where all are empty; what was done."""
    ours = [note for note in forge.notes() if note.ours and note.body.startswith(mark(about))]
    wanted = {name: text for name, text in parts.items() if text.strip()}
    for note in ours[1:] if wanted else ours:  # two runs at once may have written two
        forge.remove_note(note.number)
    if not wanted:
        return "nothing changes: the comment was taken away" if ours else "nothing changes, nothing is said"
    text = body(about, wanted, forge)
    if not ours:
        forge.add_note(text)
        return "commented"
    if ours[0].body == text:
        return "the comment says so already"
    forge.change_note(ours[0].number, text)
    return "the comment was changed"


def issue(forge: Forge, about: str, title: str, text: str) -> str:
    """Have one open issue that says ``text``, or none where it is empty; what was done."""
    ours = [issue for issue in forge.issues() if issue.ours and issue.body.startswith(mark(about))]
    if not text.strip():
        for found in ours:
            forge.close_issue(found.number, f"All is well again: [this run]({forge.run}) found nothing.")
        return "all is well: the issue was closed" if ours else "all is well"
    wanted = body(about, {title: text}, forge)
    if not ours:
        forge.add_issue(title, wanted)
        return "an issue was opened"
    if ours[0].body == wanted:
        return "the issue says so already"
    forge.change_issue(ours[0].number, title, wanted)
    return "the issue was changed"
