"""Who may open the pages."""

import pytest

from models.web_user import WebUser, WebUserError, end_sessions, list_web_users, remove_web_user, set_web_user

pytestmark = pytest.mark.usefixtures("empty_database")


async def test_a_user_is_added_and_changed_and_removed():
    assert await set_web_user("ben", "support", "hash 1", now=5)
    assert await set_web_user("anna", "operator", "hash 2", now=6)
    first = await WebUser.get(name="ben")
    assert not await set_web_user("ben", "operator", "hash 3", now=7)
    found = await WebUser.get(name="ben")
    assert (found.id, found.role, found.password_hash, found.created_at) == (first.id, "operator", "hash 3", 5)
    assert found.session_key != first.session_key, "the sessions of before have ended"
    assert [user.name for user in await list_web_users()] == ["anna", "ben"]
    await remove_web_user("ben")
    assert [user.name for user in await list_web_users()] == ["anna"]
    with pytest.raises(WebUserError, match="there is no user 'ben'"):
        await remove_web_user("ben")


async def test_keys_are_each_users_own_and_long():
    for name in ("anna", "ben"):
        await set_web_user(name, "support", "hash", now=1)
    anna, ben = await list_web_users()
    assert anna.session_key != ben.session_key
    assert min(len(anna.session_key), len(ben.session_key)) >= 43
    await end_sessions(anna)
    after, same = await list_web_users()
    assert (after.session_key != anna.session_key, same.session_key == ben.session_key) == (True, True)
