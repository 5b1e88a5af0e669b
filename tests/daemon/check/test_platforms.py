"""What `check` says of LTI 1.3 platforms and signing keys, without asking anybody."""

import time

import pytest

from actors.egress import Egress
from daemon.check.platforms import OLD_KEY, check_platforms
from daemon.check.stored import check_stored_set_up
from daemon.config import Config
from daemon.config.sections import DatabaseSection, EgressSection, SecretsSection
from models.consumer_admin import add
from models.encryption import Cipher, new_key
from models.key_admin import make_signing_key, withdraw_key
from models.platform_admin import PlatformRecord, add_platform

DAY_MS = 86_400_000
NOW = 10**12

pytestmark = pytest.mark.usefixtures("empty_database")


async def platform(name="Moodle", token_url="https://lms.example/token"):
    await add_platform(PlatformRecord(name, name, f"https://{name}.example", "1", token_url), now=NOW)


async def key(made=NOW):
    return await make_signing_key(Cipher(), now=made, ahead_ms=DAY_MS)


async def lines(egress=None, now=NOW):
    return [f"{one.severity} {one.line()}" for one in await check_platforms(egress or Egress(), now=now)]


async def test_without_a_platform_no_key_is_needed():
    await add("LMS", "lms", "secret", guid=None, now=NOW)
    assert await lines() == []


async def test_a_platform_for_which_no_key_signs_is_a_fault():
    await platform()
    await platform("Other")
    words = "fault signing keys: no key signs, and nothing goes out to Moodle, Other; `passbackd keys new` makes one"
    assert await lines() == [words]
    await withdraw_key((await key()).kid, now=NOW)
    assert await lines() == [words]


async def test_a_key_that_signs_is_said_and_an_old_one_is_warned_of():
    await platform()
    await key()
    await key()
    assert await lines() == ["ok signing keys: one signs; 2 keys published"]
    later = NOW + (OLD_KEY + 2) * DAY_MS
    (line,) = await lines(now=later)
    assert line.startswith(
        f"warning signing keys: the newest one has signed for {OLD_KEY + 1} days; `passbackd keys new`"
    )


async def test_a_token_url_to_which_nothing_may_be_sent_is_a_fault_with_the_setting():
    await key()
    await platform("Inside", "https://10.1.2.3/token")
    await platform("Plain", "http://lms.example/token")
    _, inside, plain = await lines()
    assert inside.startswith("fault Inside: its token URL is refused: 10.1.2.3 is not a public address (private); if a")
    assert "egress.allow_networks" in inside
    cure = "use https, or set egress.allow_http = true"
    assert plain == f"fault Plain: its token URL is refused: plain http is not allowed; {cure}"
    own = {"Inside": {"allow_networks": ["10.1.2.0/24"]}}
    section = EgressSection.model_validate({"allow_http": True, "campuses": own})
    assert await lines(section.policy) == ["ok signing keys: one signs; 1 key published"]


async def test_a_signing_key_that_cannot_be_decrypted_is_a_fault_of_the_setting(empty_database):
    keys = [new_key()]
    await platform()
    made = await make_signing_key(Cipher(keys), now=int(time.time() * 1000), ahead_ms=0)
    config = Config(
        database=DatabaseSection(url=empty_database), secrets=SecretsSection.model_validate({"keys": [new_key()]})
    )
    faults = [one for one in await check_stored_set_up(config) if one.severity == "fault"]
    assert [one.about for one in faults] == ["secrets.keys"]
    assert f"the signing key {made.kid} cannot be read with these keys" in faults[0].problem
    config = Config(database=DatabaseSection(url=empty_database), secrets=SecretsSection.model_validate({"keys": keys}))
    assert [one.severity for one in await check_stored_set_up(config)] == ["ok"]


async def test_of_a_database_that_is_not_there_nothing_is_known(tmp_path):
    config = Config(database=DatabaseSection(url=f"sqlite://{tmp_path}/none.db"))
    assert await check_stored_set_up(config) == []
