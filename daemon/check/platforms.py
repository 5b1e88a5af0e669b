"""Whether grades can be signed for LTI 1.3 platforms, and their token servers asked, as far as is seen from here."""

from actors.egress import Egress, EgressRefused
from daemon.check.findings import Finding, fault, ok, warning
from daemon.infra.text import counted
from models.consumer import LtiConsumer
from models.tool_key import published_keys, signing_keys

#: Days. A key that signs for longer should be replaced: backups of it have been in many hands.
OLD_KEY = 400

_DAY_MS = 86_400_000


async def check_platforms(egress: Egress, *, now: int) -> list[Finding]:
    """Reads the open database only. *now*: milliseconds since 1970 by its clock."""
    platforms = await LtiConsumer.exclude(issuer=None).order_by("consumer_name")
    if not platforms:
        return []
    found = [_keys_finding([one.consumer_name for one in platforms], await _keys(now))]
    for platform in platforms:
        try:
            egress.of(platform.consumer_key).check_url(platform.token_url or "")
        except EgressRefused as error:
            problem, _, cure = str(error).partition(": ")
            found.append(fault(platform.consumer_name, f"its token URL is refused: {problem}", cure))
    return found


async def _keys(now: int) -> tuple[int, int | None]:
    """How many keys are published, and for how many milliseconds the one in use has signed; None: there is none."""
    signing = await signing_keys(now)
    return len(await published_keys(now)), now - signing[0].signs_from if signing else None


def _keys_finding(names: list[str], keys: tuple[int, int | None]) -> Finding:
    published, age_ms = keys
    if age_ms is None:
        problem = f"no key signs, and nothing goes out to {', '.join(names)}"
        return fault("signing keys", problem, "`passbackd keys new` makes one")
    if age_ms > OLD_KEY * _DAY_MS:
        problem = f"the newest one has signed for {age_ms // _DAY_MS} days"
        return warning("signing keys", problem, "`passbackd keys new` makes the next one")
    return ok("signing keys", f"one signs; {counted(published, 'key')} published")
