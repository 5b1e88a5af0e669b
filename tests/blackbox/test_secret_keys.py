"""Secrets at rest, and their keys."""

from tests.blackbox.leaks import dump
from tests.blackbox.world import KEY, NAME, SECRET, launch, score


def key_of(world) -> str:
    said = world.call("secrets", "key")
    assert said.code == 0
    return said.out.strip()


def test_a_dump_without_the_key_holds_no_secret_and_after_a_rotation_the_old_key_is_not_needed(pair, campus):
    pair.add_consumer()
    assert SECRET.strip() in dump(pair), "as it is without a key"
    daemon = pair.run().wait_ready()
    assert daemon.logged("not encrypted")
    daemon.stop()

    old, new = key_of(pair), key_of(pair)
    pair.set("secrets", keys=[old])
    said = pair.call("secrets", "rotate")
    assert (said.code, said.out) == (
        0,
        "1 secret encrypted anew with the first key; older keys are not needed any more\n",
    )
    assert "cret & more" not in dump(pair)
    assert SECRET.strip() not in dump(pair)

    pair.set("secrets", keys=[new, old])
    daemon = pair.run().wait_ready()
    assert daemon.logged("newest key")
    daemon.stop()
    assert pair.call("secrets", "rotate").out.startswith("1 secret encrypted")
    pair.set("secrets", keys=[new])
    daemon = pair.run().wait_ready()
    pair.add(launch("ada", "problem-1", "ada-1", campus.url()), score("ada", "problem-1", 5))
    daemon.wait_settled()
    assert campus.grade("ada-1") == "0.5"
    assert not daemon.logged("encrypted")
    daemon.stop()

    shown = pair.call("config").out
    assert 'keys = ["***"]' in shown
    assert new not in shown
    for keys in ([old], []):
        pair.set("secrets", keys=keys)
        deep = pair.call("check", "--deep")
        assert deep.code == 2
        assert any(line.startswith(f"secrets.keys: the secrets of {NAME} cannot be read with ") for line in deep.faults)
        daemon = pair.run()
        assert daemon.process.wait(60) == 2
        assert f"secrets.keys: the secrets of {NAME} cannot be read with" in daemon.log()
        assert not any(key in daemon.log() for key in (old, new))
    assert pair.call("secrets", "rotate").code == 2
    for whose in (
        ("Another", "--key", "another"),
        (NAME, "--key", KEY, "--replace"),
        (NAME, "--key", KEY, "--pending"),
    ):
        said = pair.call("consumer", "add", *whose, "--secret-stdin", stdin="not-to-be-stored\n")
        assert said.code == 2
        assert said.err.startswith("secrets.keys: secrets are encrypted in this database")
    assert "not-to-be-stored" not in dump(pair)
    said = pair.call("reconcile")
    assert said.code == 2
    assert said.err.startswith("secrets.keys: a consumer's secret cannot be read")
