"""
What the words of a refusal are about, as data. Pure.

An alarming word says little: every LMS that signs its sourcedids can refuse the signature of one, and a course may be
called "Digital signatures". A sentence is about the request only where it says that the request's own signature, key,
body hash, timestamp or nonce is wrong. Facts are from the platforms' sources and from the wire.
"""

import re
from dataclasses import dataclass
from typing import Literal

#: What a sentence is about. *campus*: what we sent is wrong for every learner there. *nothing*: it is known to say
#: nothing of what to do.
About = Literal["request", "sourcedid", "learner", "activity", "campus", "nothing"]


@dataclass(frozen=True, slots=True)
class Phrase:
    """
    Words, and what a sentence that holds them is about.

    *pattern*: looked for in lower case, with blanks for underscores. *bare*: in what is left without names.
    """

    about: About
    pattern: str
    bare: bool = False


def about(words: str, phrases: tuple[Phrase, ...]) -> About | None:
    """What *words* of an LMS are about, by the first phrase that fits; None if none does."""
    found = _first(words, phrases)
    return None if found is None else found.about


def is_of_enrolment(words: str) -> bool:
    """Whether they say of one learner that there is none such, or none in that course; else it is of their grade."""
    return _first(words, PHRASES) in _ENROLMENTS


def _first(words: str, phrases: tuple[Phrase, ...]) -> Phrase | None:
    unquoted = _CALLED.sub(rf"\1 {_NAME}", _QUOTED.sub(_without_name, words.replace("\u2019", "'")))
    said, bare = _plain(unquoted), _plain(_NAMED.sub(rf"\1 {_NAME}", unquoted))
    return next((one for one in phrases if re.search(one.pattern, bare if one.bare else said)), None)


def _plain(words: str) -> str:
    return " ".join(words.lower().replace("_", " ").replace("[…]", f" {_NAME} ").split())


def _any(*words: str) -> str:
    return "(?:" + "|".join(words) + ")"


def _phrases(what: About, *patterns: str, bare: bool = False) -> tuple[Phrase, ...]:
    return tuple(Phrase(what, pattern, bare=bare) for pattern in patterns)


# --- Names, which say nothing of the fault ---

#: What is put for a name, a value, or what was redacted.
_NAME = "zzz"

#: What is in quotation marks; an apostrophe is none.
_QUOTED = re.compile(
    r"""(?P<label>\w+=)?(?:"([^"]*)"|“([^”]*)”|„([^“”]*)[“”]|«([^»]*)»|`([^`]*)`|\u2018([^']*)'|(?<!\w)'([^']*)'(?!\w))"""
)
#: What is no name although it is quoted: what LTI and OAuth call their parameters and problems.
_PARAMETER = re.compile(r"oauth_\w+|(?:lis_)?(?:result_)?sourced_?(?:id|guid)", re.IGNORECASE)

_PEOPLE = _any("users?", "students?", "learners?", "participants?", "members?", "persons?", "pupils?")
_PLACES = _any(
    "courses?", "activit(?:y|ies)", "assignments?", "exercises?", "quiz", "exam", "assessment", "module", "lesson",
    "unit", "task", "link", "placement", "resource(?: link)?", "(?:grade ?book |grade )?(?:item|column)", "line ?item",
    "submission (?:window|period)", "grading period", "semester", "term", "site", "context", "class", "section",
    "grade ?book",
)  # fmt: skip
_SUBJECTS = _any(_PEOPLE, _PLACES, "grade", "score")

#: A title or a name without quotation marks: capitals after what it is the name of, or what is called so.
_CAPITALS = r"(?-i:(?:[A-Z0-9][\w-]*(?:[ ,&]+(?=[A-Z0-9]))?)+)"
_OF = "(?:for|in|of)(?= (?!(?-i:oauth|signature|nonce|timestamp|body|consumer)))"
_CALLED = re.compile(rf"\b(called|named|titled) {_CAPITALS}", re.IGNORECASE)
_NAMED = re.compile(rf"\b({_SUBJECTS}|{_OF}) {_CAPITALS}", re.IGNORECASE)


def _without_name(quoted: re.Match[str]) -> str:
    label = quoted["label"] or ""
    inner = next((group for group in quoted.groups()[1:] if group is not None), "")
    kept = _PARAMETER.fullmatch(inner) or label.lower() == "oauth_problem="
    return label + (inner if kept else f" {_NAME} ")


# --- The request ---

_NOT = r"(?:(?:is|was|are|were|has|have|does|do|did|could|can|been|be) )*(?:not|\w+n't|cannot)(?: be| been)?"
_WRONG = _any(
    "invalid", "incorrect", "wrong", "bad", "mismatch(?:ed|es)?", "missing", "absent", "unknown", "unrecogni[sz]ed",
    rf"{_NOT} (?:valid(?:ated)?|match(?:ed|ing)?|verif(?:y|ied)|recogni[sz]ed|accepted|found|known|unique|supported)",
    "fail(?:ed|ure|s)?", "error", "reject(?:ed)?", "refused", "denied", "expired", "stale", "out of range",
    "too (?:old|late|early|far)", "(?:already )?(?:used|seen)", "re-?used", "repeated", "duplicated?", "replay(?:ed)?",
    "malformed", "unsupported", "required", "revoked", "disabled", "no",
    "(?:unable to|cannot|can't|could not|failed to) (?:find|verify|validate|read|get)",
)  # fmt: skip
#: What may be between a part of a request and what is wrong with it. Single words, so that there is one way to read it.
_LINKS = _any(
    "the", "a", "an", "your", "this", "its", "is", "was", "are", "has", "have", "been", "be", "of", "in", "on", "for",
    "with", "from", "to", "and", "or", "by", "request", "message", "headers?", "parameters?", "value", "field",
    "oauth1?", "lti", "outcomes?", "http", "post", "verification", "validation", "check", "method", "base", "string",
    "problem", "authentication", "authorization", "tool", "provider", "given", "provided", "sent", "supplied",
    "received", "computed", "calculated", "expected", "digest", "hmac", "sha1?", "sha256", r"\d+", _NAME,
)  # fmt: skip
#: A signature, nonce or time of something else.
_OF_OTHERS = rf" (?:of|in|for|on) (?:the |its |this |a )?(?:submission|attempt|result|launch|due|enrol|{_SUBJECTS})"
_TERMS = _any(
    rf"signature(?!s| (?:page|form|track|course|work|field|sheet|image|line))(?!{_OF_OTHERS})",
    "body[ -]?hash", "consumer(?:[ -]?(?:key|secret))?", "oauth key", "(?:shared )?secret", "base string", "key/secret",
    rf"nonce(?!{_OF_OTHERS})", rf"timestamp(?!{_OF_OTHERS})", "oauth1?",
)  # fmt: skip
#: No sentence has more of them, and each more costs the time of all before.
_GAP = rf"(?:\W+{_LINKS}){{0,8}}?\W+"

_REQUEST = (
    *_phrases(
        "request",
        # Nothing but linking words may be before the term in its clause: "student signature missing" is of no request.
        rf"(?:^|[^\w\s'-]\s*|\b(?:{_LINKS}|{_WRONG})\W+)(?:{_LINKS}\W+){{0,8}}{_TERMS}\b{_GAP}{_WRONG}\b",
        rf"\b{_WRONG}\b{_GAP}{_TERMS}\b",
        bare=True,
    ),
    *_phrases(
        "request",
        r"oauth version|oauth problem|\bkey=\S* hdr(?:key)?=",
        r"\bsignatures (?:differ|mismatch|(?:do|did)(?: not|n't) match)",
        rf"^(?:oauth )?{_TERMS}\.?$|\b(?:request|message) (?:is |was )?not (?:correctly |properly )?signed",
        r"\b(?:failed to|could not|unable to|cannot) (?:validate|verify|authenticate) (?:th\w+ )?(?:message|request)",
        r"\b(?:invalid|incorrect|wrong|bad) (?:credentials|key (?:or|and) secret)\b|^request (?:is |has )?expired",
        r"^(?:the )?(?:tool\W?s? )?key (?:is |was |has been )?(?:disabled|expired|revoked|unknown|invalid)",
    ),
)

# --- Trouble that passes, whatever it was about ---

_PASSING = _phrases(
    "nothing",
    r"\btemporar|try again|\bretry\b|\btim(?:ed?|ing)[ -]?out\b|deadlock|\bmaintenance\b|overload|too many connections",
    r"\bconnection (?:was |is |has been )?(?:refused|failed|lost|reset|closed)|\b(?:internal|server|unexpected) error",
    r"\b(?:service|server|system|site|backend|database) (?:is |was |currently )*(?:unavailable|down|busy|failed|error)",
)

# --- The sourcedid ---

_SOURCEDID = r"\b(?:lis |result )*sourced? ?(?:id|guid)s?\b"
#: Names of the request's own that no LMS uses for a part of its sourcedids.
_UNMISTAKABLE = _any(
    "oauth (?:signature|body hash|nonce|timestamp|consumer key)", "body[ -]?hash", "consumer[ -]?key", "nonce",
    "(?:message|request) signature", "signature (?:of|in|on) the (?:request|message|header)",
)  # fmt: skip
#: A sourcedid that only says which request it was.
_ADDRESS = _any(
    rf"\b(?:for|with|regarding|concerning|updating|storing)\b[^.;:]{{0,30}}{_SOURCEDID}",
    rf"[(,;.] ?{_SOURCEDID}(?: ?[:=] ?(?!{_WRONG})\S*| {_NAME}| \d\S*)? ?\)?\.?$",
)

_PART_OF_ONE = rf"[^.;:]*\b(?:of|in|inside|within|from) (?:the |a |this )?{_SOURCEDID}"

_SOURCEDIDS = (
    Phrase("request", rf"\b{_UNMISTAKABLE}\b(?!{_PART_OF_ONE}).*{_ADDRESS}"),
    # ILIAS has a name of its own for it.
    *_phrases("sourcedid", _SOURCEDID, "results id not found"),
)

#: Of a page without an envelope, which may be that of a firewall: what is wrong with a sourcedid, not just its name.
WRONG_SOURCEDID = _phrases(
    "sourcedid",
    rf"\b{_WRONG}\b(?:\W+\w+){{0,3}}?\W+{_SOURCEDID}|{_SOURCEDID}(?:\W+\w+){{0,5}}?\W+{_WRONG}\b",
    "results id not found",
)

# --- One learner ---

_NO_SUCH = (
    "(?:no such|unknown|invalid|incorrect|missing|(?:could not|cannot|can't|can not|unable to) "
    "(?:find|look up|locate|load|retrieve))(?: the| a)?"
)
_GONE = _any(
    "not (?:be )?found", "no longer", "not (?:currently |actively )?(?:an? |in|enrol|part|registered|active|assigned)",
    "does(?: not|n't) exist", "left the", "has left", "unknown$", "inactive$",
    "(?:was|been|is) (?:removed|deleted|suspended|withdrawn|dropped|inactive|deactivated|unenrolled|unknown|invalid"
    "|disabled|concluded)",
)  # fmt: skip

_ENROLMENTS = _phrases(
    "learner",
    "find data record in database table user",  # Moodle
    rf"\b{_PEOPLE}\b[^.;:]{{0,80}}?\b{_GONE}",
    rf"\b{_NO_SUCH} {_PEOPLE}\b(?! signature)",
    r"\b(?:not|no longer) (?:actively |currently )?(?:enrolled|a member|in (?:the |this )?(?:course|class|site))",
    r"\b(?:must|cannot|has to|needs to) (?:be )?enrol|\bmembership (?:was |is )?(?:not found|ended|expired|inactive)",
    r"\benrol\w*(?: is| has| was)?(?: been)? (?:not (?:found|active)|inactive|ended|expired|concluded|deleted)",
)

#: Of the learner's attempts and grades there.
_ATTEMPTS = _phrases(
    "learner",
    r"\bmax(?:imum)? (?:number |amount )?(?:of )?(?:allowed )?(?:submissions|attempts|tries)",
    r"\b(?:submissions?|attempts?) (?:limit|quota|count)[^.;]{0,30}(?:reached|exceeded|used)",
    r"\bno (?:more )?(?:submissions|attempts) (?:left|remain|allowed|available)",
    r"\ballowed (?:amount|number) of (?:submissions|attempts)",
    r"\bgrade (?:is |was |has been )?(?:locked|overridden|excluded|finali[sz]ed)",
    # A+, where learners submit in groups.
    r"\bexercise (?:warning|error) (?:no group|group cannot|has previously|collabs|requires group)",
    r"\bsubmitted (?:to )?this (?:assignment|exercise) (?:in|alone|with)|must be submitted in groups",
)

# --- One activity, or its course ---

_OVER = _any(
    "not (?:be )?(?:found|available|visible|published|graded|grade?able|active|associated|(?:yet )?open|accepting|set"
    "|valid|linked|configured|enabled)",
    "no longer", "does(?: not|n't) (?:exist|accept|allow|support|have)", "opens (?:at|on)",
    "(?:invalid|concluded|ended|closed|over|archived|deleted|removed|expired|locked|hidden|unpublished|inactive|disabled"
    r"|completed|unavailable|missing|finished|full)\b",
)  # fmt: skip

_ACTIVITIES = (
    Phrase("activity", r"\b(?:can't|can ?not) find data record in database"),  # Moodle, once it is deleted
    Phrase("nothing", r"tim(?:ed?|ing)[ -]?out|database|maintenance|unexpected"),
    *_phrases(
        "activity",
        rf"\b{_PLACES}\b[^.;:]{{0,80}}?\b{_OVER}",
        rf"\b{_NO_SUCH} {_PLACES}\b",
        r"\b(?:deadline|due date|cut-?off date)\b[^.;]{0,60}\b(?:passed|over|expired|exceeded|reached)",
        r"\bpast (?:the )?(?:due|deadline)|after (?:the )?(?:deadline|due date)",
        r"\bsubmissions? (?:is |are )?(?:now )?(?:closed|over|not (?:accepted|allowed))",
        r"(?:not|n't|no longer) accept(?:s|ing)? (?:any )?(?:grades?|scores?|results?|outcomes?|submissions?)",
        r"\bgrad(?:es|ing) (?:is |are )?(?:not (?:accepted|enabled|allowed)|closed|disabled|over)",
        r"\bfinal grades? (?:has|have) (?:been|already)",
        "tool is invalid|no points possible|graded by course staff only|no lti service set|link settings",
        "does not support the requested operation|operation (?:is )?not supported|only replaceresult",
        "exercise timing (?:closed|archived)|enrollment error enrollment not open|enrollment is not open",
        # Moodle says as a failure what it says of a success too, where its gradebook refused: the item is locked.
        r"^grade (?:replace|delete) re(?:sponse|quest)\.?$",
    ),
)

#: Whatever else is said of them, it is not of the request. What became of a grade, and why, is said in one sentence.
_GRADE_AND_WHY = r"(?:grades?|scores?)\b[^:]*: "
_OTHER_SUBJECTS = (Phrase("nothing", rf"^(?:sorry,? )?(?:the |this |your |an? )?(?!{_GRADE_AND_WHY}){_SUBJECTS}\b"),)

# --- What we sent ---

_OURS = (
    Phrase("sourcedid", "parsing error: failed to parse sourced ?id"),  # Open edX
    *_phrases(
        "campus",
        r"\bscore (?:must be|value outside|is out of)|\bscore (?:is )?not (?:between|a number|numeric|within)",
        r"\bresult is (?:not a number|out of range)|^score: |no score given|unable to parse result",
        r"\bxml parsing error|(?:invalid|not valid|malformed) xml|xml is (?:invalid|malformed)",
    ),
)

#: For every LMS. What is about something smaller than the campus comes before what is about the request.
PHRASES: tuple[Phrase, ...] = (
    *_PASSING,
    *_OURS,
    *_SOURCEDIDS,
    *_ENROLMENTS,
    *_ATTEMPTS,
    *_ACTIVITIES,
    *_OTHER_SUBJECTS,
    *_REQUEST,
)
