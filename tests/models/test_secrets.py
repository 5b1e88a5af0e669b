"""Consumers' secrets: which cannot be decrypted, encrypting anew, and the change from one secret to the next."""

import asyncio
from contextlib import suppress

import pytest

from models import consumer_admin
from models.consumer import LtiConsumer
from models.encryption import ENCRYPTED, Cipher, UndecryptableError, new_key
from models.key_admin import make_signing_key, withdraw_key
from models.secrets import (
    KeysUsed,
    PlaintextRefusedError,
    any_encrypted,
    count_outdated,
    note_keys,
    promote,
    re_encrypt,
    undecryptable,
)
from models.tool_key import ToolKey

OLD, NEW = Cipher([new_key()]), Cipher([new_key()])
NOW = 1_000_000

pytestmark = pytest.mark.usefixtures("empty_database")


async def stored(key: str = "key") -> tuple[str, str | None]:
    consumer = await LtiConsumer.get(consumer_key=key)
    return consumer.consumer_secret, consumer.pending_secret


async def add(name: str, secret: str) -> None:
    await consumer_admin.add(name, name, secret, guid=None, now=NOW)


async def test_a_consumer_whose_secret_cannot_be_read_is_named():
    await add("plain", "s")
    await add("encrypted", OLD.encrypt("s"))
    await add("pending", OLD.encrypt("s"))
    await consumer_admin.pend("pending", NEW.encrypt("t"), now=0)
    assert await undecryptable(OLD) == ["pending"]
    assert await undecryptable(NEW) == ["encrypted", "pending"]
    assert await undecryptable(Cipher()) == ["encrypted", "pending"]


async def test_every_secret_is_encrypted_with_the_newest_key():
    await add("plain", "one")
    await add("encrypted", OLD.encrypt("two"))
    await consumer_admin.pend("encrypted", OLD.encrypt("three"), now=0)
    keys = [new_key()]
    both = Cipher(keys)
    both._fernets += OLD._fernets
    assert await count_outdated(both) == 3
    assert await re_encrypt(both) == 3
    assert await re_encrypt(both) == await count_outdated(both) == 0
    newest = Cipher(keys)
    rows = await LtiConsumer.all().order_by("consumer_name")
    assert [newest.decrypt(row.consumer_secret) for row in rows] == ["two", "one"]
    assert newest.decrypt(rows[0].pending_secret) == "three"
    assert all(row.consumer_secret.startswith(ENCRYPTED) for row in rows)


async def test_a_secret_that_cannot_be_read_keeps_all_as_they_are():
    await add("plain", "one")
    await add("encrypted", OLD.encrypt("two"))
    with pytest.raises(UndecryptableError):
        await re_encrypt(NEW)
    assert [row.consumer_secret for row in await LtiConsumer.filter(consumer_name="plain")] == ["one"]


async def test_what_the_campus_accepts_becomes_the_secret_once():
    for key in ("key", "other"):
        await add(key, "secret")
        for secret in ("an older one", "next"):
            await consumer_admin.pend(key, secret, now=0)
    assert not await promote("key", "an older one"), "another was announced since"
    assert not await promote("unknown", "next")
    assert await stored() == ("secret", "next")
    assert await promote("key", "next")
    assert not await promote("key", "next")
    assert await stored() == ("next", None)
    assert await stored("other") == ("secret", "next")
    await add("other", "newest")
    assert await stored("other") == ("newest", None)


@pytest.mark.parametrize(
    ("secret", "pending", "encrypted"),
    [("s", None, False), ("s", "t", False), (OLD.encrypt("s"), None, True), ("s", OLD.encrypt("t"), True)],
)
async def test_any_encrypted_secret_is_noticed(secret, pending, encrypted):
    await add("campus", secret)
    if pending is not None:
        await consumer_admin.pend("campus", pending, now=0)
    assert await any_encrypted() is encrypted


@pytest.mark.parametrize("store", ["add", "change", "pend"])
async def test_once_a_key_has_been_used_no_secret_is_stored_as_it_is(store):
    await add("encrypted", OLD.encrypt("s"))
    await consumer_admin.remove("encrypted", now=NOW) if store == "add" else None
    with pytest.raises(PlaintextRefusedError, match="no key"):
        await (consumer_admin.pend("encrypted", "plain", now=0) if store == "pend" else add("encrypted", "plain"))
    assert [row.consumer_secret for row in await LtiConsumer.all() if row.consumer_secret == "plain"] == []
    assert not await LtiConsumer.exclude(pending_secret=None).exists()


@pytest.mark.parametrize("use", ["a daemon's start", "a rotation"])
async def test_a_key_is_used_also_where_there_is_no_secret_yet(use):
    await (note_keys(OLD) if use == "a daemon's start" else re_encrypt(OLD))
    with pytest.raises(PlaintextRefusedError):
        await add("plain", "s")
    await note_keys(Cipher())
    await add("encrypted", NEW.encrypt("s"))


async def test_a_database_of_an_earlier_release_counts_as_used_by_its_secrets():
    await LtiConsumer.create(consumer_name="old", consumer_key="old", consumer_secret=OLD.encrypt("s"))
    with pytest.raises(PlaintextRefusedError):
        await add("plain", "s")


async def test_no_plain_secret_is_stored_beside_the_first_encrypted_one():
    """Whichever of the two comes first: a plain one may be stored before the keys are used, never after."""
    for number in range(20):
        await KeysUsed.all().delete()
        await LtiConsumer.all().delete()
        with suppress(PlaintextRefusedError):
            async with asyncio.TaskGroup() as both:
                plain = both.create_task(refused(add("plain", "s")))
                both.create_task(re_encrypt(OLD))
        assert plain.result() or OLD.is_current((await stored("plain"))[0]), number


async def refused(adding) -> bool:
    try:
        await adding
    except PlaintextRefusedError:
        return True
    return False


async def test_a_signing_key_is_named_counted_and_encrypted_anew_as_a_secret_is():
    await add("campus", OLD.encrypt("s"))
    made = await make_signing_key(OLD, now=NOW, ahead_ms=0)
    private = OLD.decrypt(made.private_pem)
    assert await undecryptable(OLD) == []
    assert await undecryptable(NEW) == ["campus", f"the signing key {made.kid}"]
    keys = [new_key()]
    both = Cipher(keys)
    both._fernets += OLD._fernets
    assert await count_outdated(both) == 2
    assert await re_encrypt(both) == 2
    assert await count_outdated(both) == 0
    stored_pem = (await ToolKey.get(kid=made.kid)).private_pem
    assert Cipher(keys).decrypt(stored_pem) == private
    assert stored_pem.startswith(ENCRYPTED)


async def test_a_withdrawn_signing_key_has_nothing_to_decrypt():
    made = await make_signing_key(OLD, now=NOW, ahead_ms=0)
    assert await any_encrypted()
    await withdraw_key(made.kid, now=NOW)
    assert await undecryptable(NEW) == []
    assert not await any_encrypted()
