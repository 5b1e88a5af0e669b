"""Everything that people and machines get to see of a world, and whether a secret is in it."""

import re
import sqlite3
from collections.abc import Collection, Iterator, Mapping

import psutil
from joserfc.jwk import RSAKey

from models.encryption import Cipher
from tests.blackbox.world import World

#: Characters. So much of a secret is one too.
PIECE = 24
#: What may be a part of a secret, or surround one.
_WORDS = re.compile(r"[\w+/=.~:%-]{12,}")


def dump(world: World) -> str:
    """The world's database as text."""
    url = world.settings["database"]["url"]
    if url.startswith("sqlite://"):
        with sqlite3.connect(url.removeprefix("sqlite://")) as database:
            return "\n".join(database.iterdump())
    return "\n".join(
        str(row)
        for table in world.rows("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
        for row in world.rows(f"SELECT * FROM {table['tablename']}")
    )


def dump_of_redis(world: World) -> str:
    """All that the world's Redis holds, as text."""
    with world.redis() as client:
        readers = {
            "string": client.get,
            "list": lambda key: client.lrange(key, 0, -1),
            "hash": client.hgetall,
            "set": client.smembers,
            "zset": lambda key: client.zrange(key, 0, -1, withscores=True),
            "stream": client.xrange,
        }
        return "\n".join(f"{key!r}: {readers[client.type(key).decode()](key)!r}" for key in client.scan_iter())


def seen_by_ps(world: World) -> str:
    """Command line and environment of the world's daemons and their children, as they run."""
    running = [psutil.Process(one.process.pid) for one in world.daemons if one.process.poll() is None]
    family = [process for one in running for process in (one, *one.children(recursive=True))]
    return "\n".join(f"{process.cmdline()} {process.environ()}" for process in family)


def private_parts(world: World, cipher: Cipher) -> set[str]:
    """What makes each stored signing key a private one: in PEM, and as members of a JSON Web Key."""
    found: set[str] = set()
    for row in world.rows("SELECT private_pem FROM tool_key WHERE private_pem <> ''"):
        pem = cipher.decrypt(row["private_pem"])
        key = RSAKey.import_key(pem).as_dict(private=True)
        found |= {str(key[name]) for name in ("d", "p", "q", "dp", "dq", "qi")}
        found |= {line for line in pem.splitlines() if not line.startswith("--") and len(line) >= PIECE}
    return found


def leaks(secrets: Collection[str], texts: Mapping[str, str]) -> Iterator[str]:
    """Each place at which a secret shows, or :data:`PIECE` characters of it in a row, from a multiple of so many on."""
    pieces = {secret[at : at + PIECE] for secret in secrets for at in range(0, len(secret), PIECE)}
    known = [piece for piece in pieces if len(piece) == PIECE or piece in secrets]
    for place, text in texts.items():
        # Lines repeat each other: each word is looked at once.
        words = "\n".join(set(_WORDS.findall(text)))
        yield from (f"{place}: {piece}" for piece in known if piece in words)
