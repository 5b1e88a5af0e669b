"""LTI 1.3 platforms and the signing keys, as an operator sets them up."""

import json

import pytest
from joserfc.jwk import KeySet, RSAKey

from models.quarantine import content_of
from models.tool_key import key_id
from tests.blackbox.world import KEY, NAME

ISSUER, CLIENT = "https://lms.example.edu", "client-1"
MOODLE = ("--kind", "moodle", "--issuer", ISSUER, "--client-id", CLIENT)


@pytest.fixture
def sqlite_world(make_world, migrated_database):
    """SQLite, and a Redis that no command here asks."""
    return make_world(migrated_database("sqlite"), "redis://127.0.0.1:1")


def done(world, group):
    """Command, selection and counts of each action of a group of commands, the oldest first."""
    actions = json.loads(world.call("actions", "--json").out)
    return [
        (one["command"], one["selection"], one["counts"])
        for one in reversed(actions)
        if one["command"].startswith(group)
    ]


def keys(world):
    return json.loads(world.call("keys", "list", "--json").out)


def key_set(world, *arguments):
    said = world.call("keys", "export", *arguments)
    assert said.code == 0, said.err
    return json.loads(said.out)["keys"]


def test_a_platform_is_added_listed_changed_paused_and_removed_and_all_of_it_is_on_record(pair):
    said = pair.call("platform", "add", "Moodle", *MOODLE, "--deployment", "7")
    assert said.code == 0, said.err
    assert "added Moodle with the key client-1" in said.out
    assert "made the first signing key" in said.out
    assert "/jwks" in said.out
    assert "`passbackd platform check client-1` shows whether it works" in said.out
    unknown = pair.call("platform", "pause", "no-client")
    assert (
        unknown.code,
        "and no platform: see `passbackd consumer list`, `passbackd platform list`" in unknown.err,
    ) == (1, True)
    pair.add_consumer()
    for group in ("platform", "consumer"):
        rows = json.loads(pair.call(group, "list", "--json").out)
        assert [(row["consumer"], row["key"], row["protocol"]) for row in rows] == [
            (NAME, KEY, "lti-1.1"),
            ("Moodle", CLIENT, "lti-1.3"),
        ]
        assert rows[1]["token_url"] == f"{ISSUER}/mod/lti/token.php"
        assert (rows[1]["issuer"], rows[1]["deployment_id"], rows[1]["kind"]) == (ISSUER, "7", "moodle")
        shown = pair.call(group, "list").out
        assert all(word in shown for word in (NAME, "lti-1.1", "Moodle", "lti-1.3", ISSUER))

    again = pair.call("platform", "add", "Renamed", *MOODLE)
    assert (again.code, "nothing was changed; --replace" in again.err) == (1, True)
    assert pair.call("platform", "add", "Renamed", *MOODLE, "--replace").out.startswith("changed Renamed")
    assert pair.call("platform", "pause", CLIENT).out == f"paused {CLIENT}: its grades wait\n"
    assert pair.call("platform", "resume", CLIENT).out == f"resumed {CLIENT}: its grades go out\n"
    unsure = pair.call("platform", "remove", CLIENT)
    assert (unsure.code, "--yes" in unsure.err) == (2, True)
    assert pair.call("platform", "remove", CLIENT, "--yes").out == f"removed {CLIENT} and 0 assignments\n"
    added = {"consumer": CLIENT, "issuer": ISSUER, "client_id": CLIENT, "token_url": f"{ISSUER}/mod/lti/token.php"}
    assert done(pair, "platform") == [
        ("platform add", {**added, "name": "Moodle"}, {"keys": 1}),
        ("platform add", {**added, "name": "Renamed", "replace": True}, {"keys": 0}),
        ("platform pause", {"consumer": CLIENT}, {"campuses": 1}),
        ("platform resume", {"consumer": CLIENT}, {"campuses": 1}),
        ("platform remove", {"consumer": CLIENT}, {"assignments": 0, "unsent": 0}),
    ]


def test_what_came_before_the_platform_was_added_is_offered_and_replayed_whatever_its_key(sqlite_world):
    fields = {"type": "launch", "issuer": ISSUER, "client_id": CLIENT, "lti_user_id": "sub", "lineitem": f"{ISSUER}/1"}
    fields |= {"user_id": "ada", "course_id": "course", "usage_id": "block"}
    content, _ = content_of({name.encode(): value.encode() for name, value in fields.items()})
    sqlite_world.call("migrate")
    for entry_id in ("1-0", "2-0"):
        sqlite_world.rows(
            """INSERT INTO quarantined_event (epoch, entry_id, at, type, reason, content, consumer_key)
                VALUES (0, :entry_id, 1, 'launch', 'unknown platform', CAST(:content AS BLOB), :key) RETURNING id""",
            entry_id=entry_id,
            content=content.decode(),
            key=CLIENT,
        )
    said = sqlite_world.call("platform", "add", "Moodle", *MOODLE, "--key", "uni")
    assert "2 events with this key are in quarantine" in said.out, said.err
    assert "replay them with: passbackd quarantine replay --consumer uni" in said.out
    said = sqlite_world.call("platform", "add", "Moodle", *MOODLE, "--key", "uni", "--replace", "--replay")
    assert "2 events replayed: 1 applied, 1 unchanged" in said.out, said.out + said.err
    assert sqlite_world.count("graded_assignment") == 1


def test_a_platform_beside_the_lti_1_1_consumer_of_its_campus_gets_a_name_of_its_own(sqlite_world):
    sqlite_world.add_consumer()
    said = sqlite_world.call("platform", "add", NAME, *MOODLE)
    assert (said.code, f"choose another, such as '{NAME} (LTI 1.3)'" in said.err) == (1, True), said.err


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--kind", "ilias", "--client-id", "1"), "--kind: 'ilias' is none: write one of canvas, moodle, d2l"),
        (("--kind", "moodle", "--client-id", "1"), "--issuer: missing: "),
        (("--kind", "moodle", "--issuer", "lms.example", "--client-id", "1"), "is no absolute https URL"),
        (("--kind", "moodle", "--issuer", "ftp://lms.example", "--client-id", "1"), "is no absolute https URL"),
        (("--kind", "moodle", "--issuer", "https://[lms", "--client-id", "1"), "is no URL"),
        (("--kind", "moodle", "--issuer", "https://a:b@lms.example", "--client-id", "1"), "without user name"),
        (("--kind", "canvas", "--client-id", ""), "--client-id: it should have 1 to 255 characters"),
        (("--kind", "canvas", "--client-id", "1", "--key", "k" * 256), "--key: it should have 1 to 255 characters"),
        (("--kind", "canvas", "--client-id", "1", "--token-url", "https://10.1.2.3/t"), "--token-url: 10.1.2.3 is not"),
        (("--kind", "canvas", "--client-id", "1", "--token-url", "token"), "--token-url: 'token' is no absolute"),
    ],
)
def test_what_cannot_be_right_is_refused_with_what_to_write_and_nothing_is_stored(sqlite_world, arguments, words):
    said = sqlite_world.call("platform", "add", "Campus", *arguments)
    assert (said.code, words in said.err) == (2, True), said.err
    assert json.loads(sqlite_world.call("platform", "list", "--json").out) == []
    assert keys(sqlite_world) == []


def test_plain_http_is_refused_unless_egress_allows_it(sqlite_world):
    insecure = ("--issuer", "http://lms.example", "--token-url", "https://lms.example/token", "--client-id", "1")
    sqlite_world.set("egress", allow_http=False)
    said = sqlite_world.call("platform", "add", "Campus", *insecure)
    assert (said.code, "--issuer: plain http is not allowed" in said.err) == (2, True)
    sqlite_world.set("egress", allow_http=True)
    assert sqlite_world.call("platform", "add", "Campus", *insecure).code == 0


def test_keys_are_made_rotated_exported_and_withdrawn(pair, tmp_path):
    pair.call("migrate")
    assert "no key yet" in pair.call("keys", "list").out
    nothing = pair.call("keys", "export")
    assert (nothing.code, "`passbackd keys new` makes one" in nothing.err) == (1, True)
    assert "signs at once" in pair.call("keys", "new").out
    assert "signs from" in pair.call("keys", "new").out
    first, second = (one["kid"] for one in keys(pair))
    assert [one["state"] for one in keys(pair)] == ["signs", "published"]

    assert [one["kid"] for one in key_set(pair)] == [second, first]
    assert all(set(one) == {"kty", "n", "e", "alg", "use", "kid"} for one in key_set(pair))
    KeySet.import_key_set({"keys": key_set(pair)})
    assert [one["kid"] for one in key_set(pair, first)] == [first]
    out = tmp_path / "jwks.json"
    assert pair.call("keys", "export", "--out", str(out)).out == f"wrote {out}\n"
    assert json.loads(out.read_text())["keys"] == key_set(pair)
    assert [file.name for file in tmp_path.iterdir() if "jwks" in file.name] == ["jwks.json"]
    pem = pair.call("keys", "export", first, "--pem").out
    assert key_id(RSAKey.import_key(pem).thumbprint()) == first
    assert "PRIVATE" not in pem
    assert pair.call("keys", "export", "--pem").code == 2
    missing = pair.call("keys", "export", "--out", str(tmp_path / "missing" / "jwks.json"))
    assert (missing.code, "cannot be written" in missing.err) == (1, True)

    unsure = pair.call("keys", "withdraw", first)
    assert (unsure.code, "--yes" in unsure.err) == (2, True)
    assert [one["state"] for one in keys(pair)] == ["signs", "published"]
    assert f"{second} signs at once" in pair.call("keys", "withdraw", first, "--yes").out
    assert [one["state"] for one in keys(pair)] == ["withdrawn", "signs"]
    assert [one["kid"] for one in key_set(pair)] == [second]
    gone = pair.call("keys", "export", first, "--pem")
    assert (gone.code, "not published any more" in gone.err) == (1, True)
    assert pair.call("keys", "withdraw", first).code == 1
    assert "`passbackd keys new` makes one" in pair.call("keys", "withdraw", second, "--yes").out
    assert done(pair, "keys") == [
        ("keys new", {"key": first}, {"keys": 1}),
        ("keys new", {"key": second}, {"keys": 1}),
        ("keys withdraw", {"key": first, "signs now": second}, {"keys": 1}),
        ("keys withdraw", {"key": second, "signs now": "none"}, {"keys": 1}),
    ]


def test_a_key_that_is_not_the_last_that_signs_is_withdrawn_without_asking(sqlite_world):
    sqlite_world.set("keys", publish_ahead_hours=0)
    sqlite_world.call("migrate")
    for _ in range(2):
        assert sqlite_world.call("keys", "new").code == 0
    first, _ = (one["kid"] for one in keys(sqlite_world))
    assert [one["state"] for one in keys(sqlite_world)] == ["kept", "signs"]
    assert sqlite_world.call("keys", "withdraw", first).code == 0


@pytest.mark.parametrize("keys", [[], ["made"]], ids=["as they are", "encrypted"])
def test_the_daemon_serves_the_public_key_set_and_nothing_private_of_it(pair, keys):
    if keys:
        pair.set("secrets", keys=[pair.call("secrets", "key").out.strip()])
    assert pair.call("platform", "add", "Moodle", *MOODLE).code == 0
    daemon = pair.run().wait_ready()
    status, text = daemon.page("/jwks")
    served = json.loads(text)
    assert status == 200
    assert served == {"keys": key_set(pair)}
    assert not {"d", "p", "q", "dp", "dq", "qi"} & set(served["keys"][0])
    daemon.stop()


def test_a_signing_key_is_encrypted_anew_and_without_its_key_no_daemon_starts_until_it_is_withdrawn(sqlite_world):
    old, new = (sqlite_world.call("secrets", "key").out.strip() for _ in range(2))
    sqlite_world.set("secrets", keys=[old])
    assert sqlite_world.call("platform", "add", "Moodle", *MOODLE).code == 0
    (before,) = key_set(sqlite_world)
    stored = sqlite_world.rows("SELECT private_pem FROM tool_key")[0]["private_pem"]
    assert stored.startswith("fernet:")

    sqlite_world.set("secrets", keys=[new, old])
    assert sqlite_world.call("secrets", "rotate").out.startswith("1 secret encrypted anew")
    sqlite_world.set("secrets", keys=[new])
    assert key_set(sqlite_world) == [before]

    sqlite_world.set("secrets", keys=[old])
    for call in (("keys", "export"), ("keys", "export", before["kid"], "--pem")):
        said = sqlite_world.call(*call)
        assert (said.code, said.err.startswith("secrets.keys: ")) == (2, True), said.err
    daemon = sqlite_world.run()
    assert daemon.process.wait(60) == 2
    assert f"the signing key {before['kid']} cannot be read with these keys" in daemon.log()
    assert sqlite_world.call("keys", "withdraw", before["kid"], "--yes").code == 0
    sqlite_world.set("secrets", keys=[])
    plain = sqlite_world.call("keys", "new")
    assert (plain.code, plain.err.startswith("secrets.keys: secrets are encrypted in this database")) == (2, True)


def test_check_names_what_keeps_grades_from_a_platform(pair):
    assert pair.call("platform", "add", "Moodle", *MOODLE).code == 0
    (made,) = keys(pair)
    assert "signing keys: one signs" in pair.call("check").out
    assert pair.call("keys", "withdraw", made["kid"], "--yes").code == 0
    said = pair.call("check")
    assert said.code == 2
    assert "signing keys: no key signs, and nothing goes out to Moodle; `passbackd keys new` makes one" in said.faults
