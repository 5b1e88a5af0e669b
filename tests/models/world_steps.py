"""What the steps of a small world are made of."""

from tests.models.rows import may_come_due
from tests.models.simulated_daemons import Attempt, Stage
from tests.models.state_machine_runner import Machine
from tests.models.world import World
from tests.models.world_campuses import ANSWERS, place_of
from tests.models.world_tool import NOW

#: What becomes of an attempt: how far it comes, and what happens then.
FATES: dict[str, tuple[Stage, str]] = {
    "stops after its claim": (Stage.CLAIMED, ""),
    "stops before it sends": (Stage.READY, ""),
    "stops while it sends": (Stage.SENT, ""),
    "is stored, then stops": (Stage.SENT, "stored"),
    "is stored, and crashes": (Stage.SENT, "stored, crash"),
    "crashes while it sends": (Stage.SENT, "crash"),
    "crashes before it sends": (Stage.READY, "crash"),
    "finds no connection": (Stage.READY, "no connection"),
    **{f"campus {how}": (Stage.SENT, how) for how in ANSWERS},
}
GOOD = "campus accepts"


class WorldSteps(Machine):
    """Launches, and attempts that meet their fates."""

    @property
    def world(self) -> World:
        return self.model

    async def _launch(self, consumer, user, block, **options):
        await self.world.launch(self.world.place(consumer, user, block, **options), user, block)

    async def _leave_cell(self, row, door):
        """A row goes, or moves; where and for whom its cell gets another one."""
        world, place, user = self.world, place_of(row), row["user_id"]
        match door:
            case "removed":
                await world.remove(place[0])
            case "retired":
                await world.retire(user)
            case "other consumer":
                await world.remove(place[0])
                place = ("south" if place[0] == "north" else "north", *place[1:])
            case _:
                service, another = (1, False) if door == "moved" else (0, not place[2].endswith("/2"))
                await self._launch(place[0], user, row["usage_id"], service=service, another=another)
                user = {"ann": "bob", "bob": "ann"}[user]
        return place, user

    async def _end_attempts(self, place, fate):
        for attempt in [one for one in self.world.attempts if one.address == place[1:] and one.request]:
            await self._meet(attempt, fate)

    async def _at_one_time(self, when, says):
        """The tool says these with one time, or none."""
        before, self.world.when = self.world.when, when
        for say in says:
            await say()
        self.world.when = before

    async def _relaunch(self, user):
        when, self.world.when = self.world.when, NOW
        await self._launch("north", user, "p1")
        self.world.when = when

    async def _take_message(self, which, *fates):
        for number, attempt in enumerate(await self.world.take_message(which)):
            await self._meet(attempt, fates[number % len(fates)])

    async def _overtake(self, attempt, daemon, fate):
        self.world.pass_time(attempt.latest - self.world.time.real)
        row = self.world.rows.get(attempt.assignment_id)
        if row is not None:
            await self._other_score(row["user_id"])
            await self._pass_on(row, GOOD, daemon)
            await self._meet(attempt, fate)

    async def _other_score(self, user):
        earned, *_ = self.world.expected.scores.get((user, "p1"), (0,))
        await self.world.score(user, "p1", (int(earned) + 1) % 3)

    def _row(self, which):
        return list(self.world.rows.values())[which % len(self.world.rows)]

    async def _attempt(self, row, fate, daemon):
        """Once the row is claimable; of another score if it is clean."""
        if row["version_number"] == row["sent_version"]:
            await self._other_score(row["user_id"])
        await self._pass_on(row, fate, daemon)

    async def _pass_on(self, row, fate, daemon):
        """Once the row is claimable, if it is dirty."""
        await self.world.look()
        row = self.world.rows.get(row["id"])
        if row is not None and may_come_due(row):
            self.world.wait(row)
            await self.world.rescue(daemon)
            for attempt in await self.world.receive([row["id"]], daemon):
                await self._meet(attempt, fate)

    async def _meet(self, attempt: Attempt, fate: str) -> None:
        world, (until, then) = self.world, FATES[fate]
        await world.go_on(attempt, until)
        if then == "no connection" and attempt.stage == Stage.READY:
            await world.find_no_connection(attempt)
        if attempt.stage == Stage.SENT and "stored" in then and attempt.request.under_way:
            world.apply(attempt)
        if "crash" in then and attempt.stage != Stage.OVER and attempt.may_crash:
            world.crash(attempt)
        elif then in ANSWERS and attempt.stage == Stage.SENT:
            await world.answer(attempt, then)
