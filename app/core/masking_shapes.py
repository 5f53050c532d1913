r"""The forms of secrets and personal data in running text, and the forms that only look like them.

Every pattern takes time linear in the text: it starts only where a run of its characters does, or each try is
bounded. Where a number could be two things the rules are:

- A number inside a hexadecimal word (a hash, a UUID) or behind a decimal point is no number of a person.
- Card numbers (ISO/IEC 7812-1): 13 to 19 digits with a right Luhn digit, in one piece or in the groups that
  cards show. In one piece they must begin as payment cards do: milliseconds begin with 1.
- Resident registration numbers (주민등록번호): a day, a dash, seven digits; without the dash only with a
  label or a right check digit, since bar codes look the same.
- Phone numbers: Korean mobile in any writing; Korean landline and North American with separators; others
  with +; anything of 8 to 15 digits behind a label.
- Employee numbers: ``EMP-`` and 3 to 10 digits, ``EMP`` and 4 to 10, or a label (사번, employee no …) and up
  to 12 characters.
"""

from __future__ import annotations

import re

MASK = "***"
LUHN_SHORT, LUHN_LONG = 13, 19
DASH = r"[-.\u2010-\u2015 ]"
GAP = r"[ .\u00a0\u2010-\u2015\u00b7_()-]{1,3}"  # between groups of digits, as people write them
START = r"(?<![0-9A-Fa-f])(?<!\d\.)"
END = r"(?![0-9A-Fa-f])(?!\.\d)"
DAY = r"\d\d(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])"
SAID = (
    r"[\"']?(?:\s?(?:[:=#]|is|no\.?|number|번호|는|은)){0,2}\s{0,2}[\"'(]?"  # between a label and its value
)
WORD = r"(?<![A-Za-z0-9])"

KEYS = re.compile(
    r"(?<![\w-])eyJ[\w-]{5,}+\.[\w-]{5,}+(?:\.[\w-]*+){0,3}"  # JWT, RFC 7519 §3: header.payload.signature
    rf"|{WORD}sk-(?:(?:proj|svcacct|admin|ant)-(?:api\d\d-)?)?[A-Za-z0-9_]{{16,}}+[\w-]*+"
    rf"|{WORD}(?:sk|pk|rk)_(?:live|test)_[A-Za-z0-9]{{8,}}+|{WORD}whsec_[A-Za-z0-9+/_=-]{{8,}}+"
    rf"|{WORD}(?:AKIA|ASIA)[0-9A-Z]{{16}}(?![0-9A-Za-z])|{WORD}AIza[\w-]{{35}}"
    rf"|{WORD}gh[pousr]_[A-Za-z0-9]{{20,}}+|{WORD}github_pat_\w{{20,}}+|{WORD}xox[abeprs]-[\w-]{{10,}}+"
    rf"|{WORD}v1a?,[A-Za-z0-9+/_-]{{16,}}+=*+"  # Standard Webhooks: one signature of several
    r"|-----BEGIN [A-Z ]{0,30}PRIVATE KEY-----(?s:.*?)(?:-----END [A-Z ]{0,30}PRIVATE KEY-----|\Z)"
)
AUTHORIZATION = re.compile(
    r"(?i)(authorization[\"']?\s{0,2}[:=]\s{0,2}(?:b?[\"'])?(?:(?:bearer|basic|token|digest)\s{1,3})?)[^\s\"',;]++"
)
# A plain word may follow "bearer" in a sentence; a token has a digit, a sign, a capital inside or is long.
LOOKS_MADE = r"(?=\S{0,64}?(?:\d|[._~+/=:-]\w|\w[A-Z])|[\w.~+/=:-]{16})"
BEARER = re.compile(rf"(?i:{WORD}(bearer\s{{1,3}})){LOOKS_MADE}[\w.~+/=:-]++")
ADDRESS = re.compile(
    r"(?i)(?<![a-z0-9+.-])([a-z][a-z0-9+.-]{1,20}://[^:/@\s'\"]{0,128}:)[^@\s'\"]{1,256}(?=@)"
)
COOKIE = re.compile(  # the first name=value and those behind it, with or without quotes around all of it
    r"(?i)(cookie[\"']?\s{0,2}[:=]\s{0,2}(?:b?[\"'])?)[^\s=;,\"']{1,100}=(?:\"[^\"\n]{0,256}\"|[^\s;,\"']++)"
    r"(?:;\s?[^\s=;,\"']{1,100}(?:=[^\s;,\"']++)?)*+"
)
SIGNATURE = re.compile(
    r"(?i)((?:svix|webhook|x-[a-z-]{1,30})-signature(?:-256)?[\"']?\s{0,2}[:=]\s{0,2}[\"']?)(?!\*\*\*)[^\s\"']++"
)
# "password: must not be blank" says what is wrong with one.
SENTENCE = r"(?!(?:must|should|may|can|cannot|is|was|has)\s[a-z])"
QUOTED = r"(?:\"[^\"\n]{1,256}\"|'[^'\n]{1,256}'|[\"']?(?!\*\*\*)[^\s\"',;&)}]++)"
LABELLED = re.compile(
    r"(?i)((?:passw(?:or)?d|passwd|pwd|passphrase|비밀번호)[\"']?\s{0,2}(?:[:=]|는|은)\s{0,2}(?:b(?=[\"']))?)"
    rf"{SENTENCE}{QUOTED}"
    rf"|((?:api|access|secret|private)[_-]?key[\"']?\s{{0,2}}[:=]\s{{0,2}}){SENTENCE}{QUOTED}"
    rf"|((?:secret|token)(?:=|[\"']\s{{0,2}}:\s{{0,2}}(?=[\"']))){QUOTED}"
)
LOCAL = r"[\w.+!#$^~-]"
EMAIL = re.compile(  # the part before @ may stand in quotes, RFC 5321 §4.1.2
    rf"(?:(?<!{LOCAL}){LOCAL}++|\"[^\"\n]{{1,64}}\")(?:[@\uff20]|%40)(?:[\w-]{{1,63}}+\.){{1,20}}(?!\d)[^\W_][\w-]{{1,62}}+"
)

RESIDENT = re.compile(rf"{START}{DAY}[-\u2010-\u2015]\s?[1-8]\d{{6}}{END}")
RESIDENT_PLAIN = re.compile(rf"{START}{DAY} ?[1-8]\d{{6}}{END}")
RESIDENT_LABELLED = re.compile(
    rf"(?i)((?:주민(?:등록)?(?:번호)?|resident|rrn|ssn){SAID})\d{{6}}[ -]?\d{{7}}(?!\d)"
)
CARD = re.compile(
    rf"{START}(?:\d{{13,19}}|\d{{4}}{GAP}(?:\d{{6}}{GAP}\d{{4,5}}|\d{{4}}{GAP}\d{{4}}{GAP}\d{{1,7}}({GAP}\d{{1,3}})?)"
    rf"|\d{{6}}{GAP}\d{{13}}){END}"
)
NAMED_CARD = re.compile(r"(?i)(?<=card)\d{13,19}(?![0-9A-Za-z])")  # whose d is a hexadecimal digit
SLASHED = GAP.replace("[", "[/", 1)
MOBILE = re.compile(
    rf"{START}(?<!\d-)(?:(?:\+|00){{0,1}}82(?:{SLASHED})?(?:\(?0\)?)?1[016789]|\(?01[016789]\)?)"
    rf"(?:(?:{SLASHED})?\d{{4}}(?:{SLASHED})?\d{{4}}|{SLASHED}\d{{3}}{SLASHED}\d{{4}}){END}"
    rf"|{START}01[16789]\d{{7}}{END}"
)
OTHER_PHONE = re.compile(
    rf"{START}(?<!\d-)\(?0(?:2|[3-6]\d|70|80|50\d)\)?{DASH}{{1,2}}\d{{3,4}}{DASH}\d{{4}}{END}"
    r"|(?<![\w+])\+[1-9](?:\d{9,14}|\d{0,2}[ ().-]{1,2}(?!\d{4}-\d\d-)\d(?:[ ().-]{0,2}\d){6,11})"
    rf"{END}"
    rf"|{START}(?<!\d-)(?:\([2-9]\d\d\) ?|[2-9]\d\d[-.])[2-9]\d\d[-.]\d{{4}}{END}(?!-\d)"
)
PHONE_LABELLED = re.compile(
    rf"(?i)((?<![A-Za-z])(?:(?:tele)?phone|mobile|tel|fax)|전화|휴대폰|핸드폰|연락처)({SAID})"
    r"\+?\(?\d(?:[ ().-]{0,2}\d){7,14}(?!\d)"
)
EMPLOYEE = re.compile(
    rf"(?i){WORD}emp(?:[-_#]\d{{3,10}}|\d{{4,10}})(?![0-9A-Za-z])"
    rf"|((?:사번|사원\s?번호|직원\s?번호|(?<![A-Za-z])(?:employee|emp)[\s_-]?(?:no|number|num|id)\b\.?)"
    rf"{SAID})(?=[A-Za-z-]{{0,5}}\d)[A-Za-z0-9-]{{3,12}}(?![A-Za-z0-9])"
)
RESIDENT_WEIGHTS = (2, 3, 4, 5, 6, 7, 8, 9, 2, 3, 4, 5)
UUID = re.compile(
    r"(?i)(?<![0-9a-z-])[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}(?![0-9a-z-])"
)


def mask_shapes(text: str) -> str:
    """The text with MASK in place of everything that has one of the forms."""
    text = KEYS.sub(MASK, text)
    text = AUTHORIZATION.sub(rf"\1{MASK}", text)
    text = BEARER.sub(rf"\1{MASK}", text)
    text = ADDRESS.sub(rf"\1{MASK}", text)
    text = COOKIE.sub(rf"\1{MASK}", text)
    text = SIGNATURE.sub(rf"\1{MASK}", text)
    text = LABELLED.sub(_keep_label, text)
    text = EMAIL.sub(MASK, text)
    return _numbers(text)


def _keep_label(match: re.Match[str]) -> str:
    return "".join(group for group in match.groups() if group) + MASK


def _numbers(text: str) -> str:
    """UUIDs are left out, the text between them is masked."""
    parts, position = [], 0
    for found in UUID.finditer(text):
        parts += [_people(text[position : found.start()]), found.group()]
        position = found.end()
    return "".join([*parts, _people(text[position:])])


def _people(text: str) -> str:
    text = EMPLOYEE.sub(_keep_label, text)
    text = RESIDENT_LABELLED.sub(_keep_label, text)
    text = RESIDENT.sub(MASK, text)
    text = RESIDENT_PLAIN.sub(lambda match: MASK if _resident(match.group()) else match.group(), text)
    text = NAMED_CARD.sub(lambda match: MASK if is_card(match.group()) else match.group(), text)
    text = _cards(text)
    text = MOBILE.sub(MASK, text)
    text = OTHER_PHONE.sub(MASK, text)
    return PHONE_LABELLED.sub(_keep_label, text)


def _cards(text: str) -> str:
    """What looks like a card and is none may overlap one: the search goes on behind its first group."""
    parts, position, kept = [], 0, 0
    while match := CARD.search(text, position):
        end = _card_end(match)
        if end:
            parts += [text[kept : match.start()], MASK]
            kept = position = end
        else:
            position = match.start() + len(re.match(r"\d+", match.group()).group())  # type: ignore[union-attr]
    return "".join([*parts, text[kept:]])


def _card_end(match: re.Match[str]) -> int:
    """Where the card number ends, with its last group or without; 0 where it is none."""
    ends = [match.end(), match.start(1)] if match[1] else [match.end()]
    return next((end for end in ends if is_card(match.string[match.start() : end])), 0)


def is_card(text: str) -> bool:
    """Whether the digits are a payment card's (ISO/IEC 7812-1, Annex B for the Luhn digit)."""
    digits = [int(mark) for mark in text if mark.isdecimal()]
    if not LUHN_SHORT <= len(digits) <= LUHN_LONG:
        return False
    in_groups = not text.isdecimal()
    first = digits[0]
    known = first in {3, 4, 5, 6, 9} or (first == 2 and 2221 <= int(text[:4]) <= 2720)
    if not known and not (in_groups and first in {1, 7, 8}):
        return False
    doubled = [sum(divmod(digit * 2, 10)) for digit in digits[-2::-2]]
    return (sum(doubled) + sum(digits[-1::-2])) % 10 == 0


def _resident(text: str) -> bool:
    digits = [int(mark) for mark in text if mark.isdecimal()]
    total = sum(weight * digit for weight, digit in zip(RESIDENT_WEIGHTS, digits, strict=False))
    return (11 - total % 11) % 10 == digits[-1]
