"""How an attempt ends: what its sender hands in, and what it gets back."""

from dataclasses import dataclass, field
from typing import Literal

from models.campus import Signal
from models.claims import Claim, Lease
from models.delivery import DeliveryRecord
from models.value_class import value_class

#: ``accepted``: the campus holds the score. ``unchanged``: it acknowledged exactly this one before. ``empty``: the
#: learner attempted nothing below the block. ``released``: the attempt was not made, or says nothing of this
#: assignment, and is given back. ``superseded``: likewise, for a newer change. ``retried``: not stored. ``parked``: no
#: further try until something changes. ``waiting``: no known course structure holds the block. ``in_doubt``:
#: bytes may have left, and no answer can be trusted. ``read``: the campus was asked for the score, and sent none.
#: ``overtaken``: the campus refused the timestamp; sent again with a later one. ``overruled``: it did, and holds a
#: later score that was not sent from here, which stays (rule 11 of the design).
Outcome = Literal[
    "accepted", "unchanged", "empty", "released", "superseded", "retried", "parked", "waiting", "in_doubt", "read",
    "overtaken", "overruled",
]  # fmt: skip


@value_class(eq=False)
class Finish:
    """How one attempt ends, and what is recorded of it. Times are milliseconds since 1970."""

    claim: Claim
    outcome: Outcome
    #: Wire text, of what was accepted.
    score: str | None = None
    #: Backoff: no attempt before this.
    not_before: int = 0
    #: In doubt: no attempt before this.
    hold_until: int = 0
    #: What no further try is made for; only if nothing changed since the claim (rule 7).
    parked_scope: str | None = None
    parked_reason: str = ""
    #: Parked for what may pass: when it is tried again at the earliest, once that is refuted.
    returns_at: int | None = None
    #: The timestamp that the next request exceeds, by the campus's clock, seconds since 1970; of an attempt that was
    #: overtaken the one that it has.
    stamp_from: int = 0
    #: What the LMS did not take of the request.
    omit: str | None = None
    #: Whether the LMS refused the address itself.
    address_refused: bool = False
    #: Whether the attempt does not count.
    given_back: bool = False
    #: None for what was not sent.
    delivery: DeliveryRecord | None = None
    #: Whether any byte of a request may have reached the LMS: if the claim was lost, the newest score is sent again.
    bytes_left: bool = False
    #: None if the attempt says nothing of its campus.
    signal: Signal | None = None
    #: When the times above were reckoned, and how often the database's clock had stepped then; None: as it is finished.
    at: int | None = None
    steps: int = 0


@value_class()
class Finished:
    """
    What finishing an attempt found.

    *locked*: another transaction holds the row; finish it again. *fenced*: the claim was lost to another sender.
    *gone*: the row was deleted. *parked*: the row is parked now. *next*: a claim of the same campus and partition.
    """

    locked: bool = False
    fenced: bool = False
    gone: bool = False
    parked: bool = False
    next: Claim | None = None


@dataclass(frozen=True, slots=True)
class HandOver:
    """
    How the claims that follow are made.

    *partitions*: a claim goes to an actor of its own partition only. *after*: the attempts that claims may
    follow; None: all. *claimed*: gets each claim before the commit, so that the caller can give them back when the
    commit's answer is lost.
    """

    lease: Lease
    partitions: int
    after: frozenset[Finish] | None = None
    claimed: list[Claim] = field(default_factory=list)
