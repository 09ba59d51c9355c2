"""A world for collection: a store, a ledger, writers, committers and collectors, in virtual time, one atom at a time.

The collector is the real one, and so is the way of a value into its row, which is the engine's and the client's
(`pyflow_core.payload.keeper`). Store and ledger are models whose every operation takes effect at one moment, before
which and after which anything else may happen. A schedule is a sequence of choices from a seed.
"""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from typing_extensions import override

from pyflow_core.codec import codec_for
from pyflow_core.errors import PayloadCollectedError
from pyflow_core.payload.collection import DAY, HOUR, CollectionPolicy, Collector
from pyflow_core.payload.configuration import GRACE_SECONDS as CONFIG_GRACE
from pyflow_core.payload.configuration import PERIOD_SECONDS, period_of
from pyflow_core.payload.deposit import decide
from pyflow_core.payload.draft import draft_value
from pyflow_core.payload.keeper import Keeper, again
from pyflow_core.payload.key import INPUT, OUTPUT, is_config_key, parse_key, run_prefix
from pyflow_core.payload.plane import DataPlane, single_reference
from pyflow_core.payload.reader import PayloadReader
from pyflow_core.payload.writer import Origin, PayloadWriter
from pyflow_core.ports.payload import PayloadLedger, PayloadService, Purge, PurgedRun, StoredObject
from pyflow_core.ports.state import DEFAULT_TENANT

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Awaitable, Callable, Collection, Coroutine, Generator, Mapping, Sequence

    from pyflow_core.payload.deposit import Deposit
    from pyflow_core.payload.keeper import Store

WORKFLOW = "orders"
RUNS = ("run-1", "run-2")
STEPS = ("one", "two")
CONTENTS = (b"a", b"b")
BYTES = codec_for(bytes)

STORE_SKEW = 2 * HOUR
"""By so much at most the store's clock is off, either way."""
LATE = 5 * DAY
"""A deletion or a commit arrives at most so long after it was sent; tombstones last longer."""
GRACE = DAY
RETENTION = 3 * DAY
MOST_TRIES = 6

SAVED_FOR = PERIOD_SECONDS - 2 * STORE_SKEW
"""So long after it was saved, a configuration may be given to a run."""

EVENTS = (
    "commits",
    "together",
    "refused",
    "deleted",
    "purged",
    "crashes",
    "recreated",
    "stored anew",
    "configured",
    "forgotten configurations",
)

KINDS = ("start", "start", "step", "step", "settle", "sweep", "sweep", "purge")
"""What may begin, as often as it stands here."""

JUMPS = (1.0, 60.0, HOUR, 6 * HOUR, DAY, 2 * DAY, 8 * DAY)


class ViolationError(AssertionError):
    """Something happened that must not."""


class Pause:
    """A moment at which anything else may happen. `until` is when it must be over at the latest."""

    def __init__(self, until: float | None = None) -> None:
        self.until = until

    def __await__(self) -> Generator[Pause]:
        yield self


@dataclass
class Run:
    """A run of the model: what its rows refer to, and where it stands."""

    epoch: int
    status: str = "running"
    ended_at: float = 0.0
    purging: bool = False
    references: dict[str, str] = field(default_factory=dict[str, str])


class World:
    """Everything that is true. `bugs` are planted faults, by name."""

    def __init__(self, seed: int, bugs: frozenset[str] = frozenset()) -> None:
        self.random = random.Random(seed)
        self.bugs = bugs
        # In a small world the same names meet more often, in a large one they do not get in each other's way.
        self.run_ids = RUNS[: self.random.randint(1, len(RUNS))]
        self.kinds = KINDS if self.random.random() < 0.5 else ("configured", "sweep", "settle", "purge")
        self.contents = CONTENTS[: self.random.randint(1, len(CONTENTS))]
        self.now = 1_700_000_000.0
        self.skew = self.random.uniform(-STORE_SKEW, STORE_SKEW)
        self.objects: dict[str, StoredObject] = {}
        self.bodies: dict[str, bytes] = {}
        self.runs: dict[str, Run] = {}
        self.tombstones: dict[str, float] = {}
        self.swept_young: set[str] = set()
        self.created_at: dict[str, float] = {}
        self.saved_at: dict[str, float] = {}
        self.counts: dict[str, int] = dict.fromkeys(EVENTS, 0)

    def referenced(self) -> set[str]:
        """The keys that rows need."""
        return {key for run in self.runs.values() if not run.purging for key in run.references.values()}

    def check(self) -> None:
        """No row that is needed refers to nothing."""
        dangling = self.referenced() - set(self.objects)
        if dangling:
            raise ViolationError(f"a live object was deleted, or a reference to nothing committed: {sorted(dangling)}")

    def is_needed(self, key: str) -> bool:
        if "bar ignores references" in self.bugs:
            return False
        if key in self.referenced():
            return True
        parts = parse_key(key)
        run = self.runs.get((parts.run_id if parts else None) or "")
        if run is None or run.purging or "bar ignores running runs" in self.bugs:
            return False
        return run.status == "running"


class ModelStore(PayloadService):
    """A store with a clock of its own, where deletions may arrive late."""

    def __init__(self, world: World) -> None:
        super().__init__("model")
        self._world = world

    @override
    async def open(self) -> None: ...

    @override
    async def close(self) -> None: ...

    @override
    async def now(self) -> float:
        await Pause()
        return self._world.now + self._world.skew

    @override
    async def put(self, key: str, data: bytes, *, ttl_seconds: float | None = None) -> bool:
        await Pause()
        world = self._world
        created = key not in world.objects
        if created:
            world.objects[key] = StoredObject(key, len(data), world.now + world.skew)
            world.bodies[key] = data
            world.created_at[key] = world.now
        await Pause()
        return created

    @override
    async def get(self, key: str, *, most: int | None = None) -> bytes | None:
        await Pause()
        return self._world.bodies.get(key)

    @override
    async def get_range(self, key: str, start: int, end: int) -> bytes | None:
        raise NotImplementedError

    @override
    async def open_stream(self, key: str) -> AsyncGenerator[bytes] | None:
        data = await self.get(key)
        return None if data is None else _one(data)

    @override
    async def stat(self, key: str) -> StoredObject | None:
        await Pause()
        return self._world.objects.get(key)

    @override
    async def objects(self, prefix: str) -> AsyncGenerator[StoredObject]:
        await Pause()
        for key in sorted(self._world.objects):
            item = self._world.objects.get(key) if key.startswith(prefix) else None
            if item is not None:
                yield item
        await Pause()

    @override
    async def delete(self, keys: Sequence[str]) -> None:
        world = self._world
        until = world.now + LATE
        for key in keys:
            await Pause(until)
            if world.objects.pop(key, None) is not None:
                del world.bodies[key]
                world.counts["deleted"] += 1
                world.counts["forgotten configurations"] += is_config_key(key)

    @override
    async def extend(self, key: str, ttl_seconds: float) -> bool:
        return False


async def _one(data: bytes) -> AsyncGenerator[bytes]:
    yield data


class ModelLedger(PayloadLedger):
    """The ledger's rule, in few lines. By `sweeping` the bars of a sweep are told from those of a purge."""

    def __init__(self, world: World, *, sweeping: bool = False) -> None:
        self._world = world
        self._sweeping = sweeping

    @override
    async def now(self) -> float:
        return self._world.now

    @override
    async def unreferenced(self, keys: Collection[str]) -> set[str]:
        await Pause()
        return {key for key in keys if not self._world.is_needed(key)}

    @override
    async def live_keys(self, after: int, limit: int) -> tuple[set[str], int | None]:
        raise AssertionError("collection asks for no live keys")

    @override
    async def bar(self, keys: Collection[str]) -> set[str]:
        await Pause(self._world.now + LATE)
        world = self._world
        if "deletion without a bar" in world.bugs:
            return set(keys)
        for key in keys:
            if world.is_needed(key):
                continue
            known = key in world.tombstones
            world.tombstones[key] = world.now
            if not known:
                world.swept_young.discard(key)
                grace = CONFIG_GRACE if is_config_key(key) else GRACE
                if self._sweeping and world.now - world.created_at.get(key, 0.0) < grace - STORE_SKEW:
                    world.swept_young.add(key)
        barred = {key for key in keys if key in world.tombstones}
        await Pause()
        return barred

    @override
    async def unbar(self, older_than_seconds: float) -> int:
        await Pause()
        world = self._world
        old = [key for key, at in world.tombstones.items() if at <= world.now - older_than_seconds]
        for key in old:
            del world.tombstones[key]
        return len(old)

    @override
    async def expired_runs(self, retention_seconds: float, limit: int) -> list[PurgedRun]:
        await Pause()
        world = self._world
        for run in world.runs.values():
            if run.status == "ended" and run.ended_at <= world.now - retention_seconds:
                run.purging = True
        marked = [name for name, run in world.runs.items() if run.purging]
        return [PurgedRun(name, run_prefix(DEFAULT_TENANT, WORKFLOW, name)) for name in marked[:limit]]

    @override
    async def forget_run(self, run_id: str) -> None:
        await Pause()
        run = self._world.runs.get(run_id)
        if run is not None and run.purging:
            del self._world.runs[run_id]
            self._world.counts["purged"] += 1

    @override
    async def note_failure(self, run_id: str, message: str) -> None:
        await Pause()

    @override
    async def purge_of(self, run_id: str) -> Purge | None:
        await Pause()
        run = self._world.runs.get(run_id)
        return Purge() if run is not None and run.purging else None

    # --- what commits do

    async def create_run(self, run_id: str, references: Mapping[str, str]) -> int | None:
        """The epoch of a new run; None if there is one."""
        await Pause(self._world.now + LATE)
        world = self._world
        if run_id in world.runs:
            return None
        self._refuse_barred(references.values())
        world.counts["recreated"] += world.counts["purged"] > 0
        world.counts["commits"] += 1
        run = Run(epoch=world.random.getrandbits(32), references=dict(references))
        world.runs[run_id] = run
        return run.epoch

    async def commit(self, run_id: str, epoch: int, keys: Mapping[str, str]) -> bool:
        """Whether the results of these steps were taken, all of them or none."""
        await Pause(self._world.now + LATE)
        run = self._world.runs.get(run_id)
        if run is None or run.epoch != epoch or run.status != "running" or run.references.keys() & keys.keys():
            return False
        self._refuse_barred(keys.values())
        self._world.counts["commits"] += 1
        self._world.counts["together"] += len(keys) > 1
        run.references.update(keys)
        return True

    async def settle(self, run_id: str, epoch: int) -> None:
        """End a run."""
        await Pause()
        run = self._world.runs.get(run_id)
        if run is not None and run.epoch == epoch and run.status == "running":
            run.status, run.ended_at = "ended", self._world.now

    def _refuse_barred(self, keys: Collection[str]) -> None:
        world = self._world
        barred = {key for key in keys if key in world.tombstones}
        if not barred or "commit ignores tombstones" in world.bugs:
            return
        world.counts["refused"] += 1
        if any(world.now - world.saved_at.get(key, 0.0) < SAVED_FOR for key in barred):
            raise ViolationError("a configuration was swept soon after it was saved")
        if barred & world.swept_young:
            raise ViolationError("a sweep disturbed a writer whose object was younger than the grace")
        raise PayloadCollectedError(keys=barred)


class HastyKeeper(Keeper):
    """A planted bug: while it stores what is due, or something else, anything may get old."""

    @override
    async def confirm(self, deposits: Sequence[Deposit]) -> None:
        await _one_by_one(self._store_one, self._due(deposits))


async def _one_by_one(store: Store, deposits: Sequence[Deposit]) -> None:
    for deposit in deposits:
        await store(deposit)


def key_of(deposit: Deposit) -> str:
    """The name under which a value is stored now."""
    return single_reference(deposit.envelope).key


Task = tuple[str, "Coroutine[Any, Any, None]", Pause]


class Schedule:
    """One run of the world: tasks that are advanced, killed or left alone, in an order that the seed gives."""

    def __init__(self, seed: int, bugs: frozenset[str] = frozenset()) -> None:
        self.world = World(seed, bugs)
        self._store = ModelStore(self.world)
        self._ledger = ModelLedger(self.world)
        reader = PayloadReader({self._store.name: self._store})
        self._plane = DataPlane(PayloadWriter(self._store), reader)
        keeper = HastyKeeper if "what is due is looked for once" in bugs else Keeper
        self._keeper = keeper(self._store_value, store_all=_one_by_one, uptime_now=self._uptime)
        self._tasks: list[Task] = []
        self._stalled: set[int] = set()  # a process that was stopped, while everything else goes on

    def play(self, turns: int) -> None:
        """Play so many moments, and check after each."""
        for _ in range(turns):
            self._turn()
            self.world.check()
        for _, task, _ in self._tasks:
            task.close()

    def _turn(self) -> None:
        chance = self.world.random
        choice = chance.random()
        if choice < 0.08 or not self._tasks:
            self._begin()
        elif choice < 0.12:
            self._pass_time(chance.choice(JUMPS))
        elif choice < 0.14:
            self._kill(chance.randrange(len(self._tasks)))
        elif choice < 0.17:
            self._stalled = set() if self._stalled else {id(chance.choice(self._tasks)[1])}
        else:
            at = chance.randrange(len(self._tasks))
            if id(self._tasks[at][1]) not in self._stalled:
                self._advance(at)

    def _begin(self) -> None:
        kind = self.world.random.choice(self.world.kinds)
        make = getattr(self, f"_make_{kind}")
        task = make()
        if task is not None:
            self._step(kind, task)

    def _step(self, kind: str, task: Coroutine[Any, Any, None]) -> None:
        try:
            pause = task.send(None)
        except StopIteration:
            return
        self._tasks.append((kind, task, pause))

    def _advance(self, at: int) -> None:
        kind, task, _ = self._tasks.pop(at)
        self._step(kind, task)

    def _kill(self, at: int) -> None:
        self.world.counts["crashes"] += 1
        self._tasks.pop(at)[1].close()

    def _pass_time(self, seconds: float) -> None:
        """Time passes, and what must be over by then is over."""
        until = self.world.now + seconds
        while due := [at for at, task in enumerate(self._tasks) if (task[2].until or until) < until]:
            at = min(due, key=lambda at: self._tasks[at][2].until or 0.0)
            self.world.now = max(self.world.now, self._tasks[at][2].until or 0.0)
            self._advance(at)
            self.world.check()
        self.world.now = until

    # --- who acts

    def _make_start(self) -> Coroutine[Any, Any, None]:
        return self._start(self.world.random.choice(self.world.run_ids), self.world.random.choice(self.world.contents))

    def _make_configured(self) -> Coroutine[Any, Any, None]:
        return self._start_configured(self.world.random.choice(self.world.run_ids))

    def _make_step(self) -> Coroutine[Any, Any, None] | None:
        living = [(name, run) for name, run in self.world.runs.items() if run.status == "running"]
        if not living:
            return None
        chance = self.world.random
        name, run = chance.choice(living)
        steps = STEPS if chance.random() < 0.3 else (chance.choice(STEPS),)
        values = {step: chance.choice(self.world.contents) for step in steps}
        return self._work(name, run.epoch, values, reloads=chance.random() < 0.5)

    def _make_settle(self) -> Coroutine[Any, Any, None] | None:
        living = [(name, run) for name, run in self.world.runs.items() if run.status == "running"]
        if not living:
            return None
        name, run = self.world.random.choice(living)
        return self._ledger.settle(name, run.epoch)

    def _make_sweep(self) -> Coroutine[Any, Any, None]:
        return self._collect(purge=False)

    def _make_purge(self) -> Coroutine[Any, Any, None]:
        return self._collect(purge=True)

    async def _start(self, run_id: str, content: bytes) -> None:
        """As a client creates a run."""
        deposit = self._deposit(content, Origin(WORKFLOW, run_id), INPUT)
        await self._commit([deposit], lambda: self._ledger.create_run(run_id, {"input": key_of(deposit)}))

    async def _start_configured(self, run_id: str) -> None:
        """As a caller saves a configuration and starts a run with it, now or in some days."""
        world = self.world
        begun = world.now
        period = period_of(0.0 if "configurations keep their name" in world.bugs else begun)
        saved = await self._plane.save(b"{}", DEFAULT_TENANT, period)
        world.saved_at[saved.key] = max(begun, world.saved_at.get(saved.key, 0.0))
        deposit = self._deposit(b"c", Origin(WORKFLOW, run_id), INPUT)

        async def write() -> None:
            created = await self._ledger.create_run(run_id, {"input": key_of(deposit), "config": saved.key})
            world.counts["configured"] += created is not None

        try:
            await self._keeper.commit([deposit], write)
        except PayloadCollectedError:
            return  # the caller is told to save it again

    async def _work(self, run_id: str, epoch: int, steps: Mapping[str, bytes], *, reloads: bool) -> None:
        """As a pool writes the result of a step, or a driver those of several.

        A driver whose turn was refused `reloads` its run first, and then writes the results once more.
        """
        deposits = {
            step: self._deposit(content, Origin(WORKFLOW, run_id, step, 1), OUTPUT) for step, content in steps.items()
        }

        async def write() -> bool:
            return await self._ledger.commit(
                run_id, epoch, {step: key_of(deposit) for step, deposit in deposits.items()}
            )

        held = list(deposits.values())
        if reloads:
            await self._keeper.confirm(held)
            try:
                await write()
            except PayloadCollectedError as error:
                if not again(held, error):
                    raise
                await Pause()
            else:
                return
        await self._commit(held, write)

    def _deposit(self, content: bytes, origin: Origin, slot: str) -> Deposit:
        return decide(draft_value(BYTES, content), origin, slot)

    async def _commit(self, deposits: Sequence[Deposit], write: Callable[[], Awaitable[object]]) -> None:
        tries = 0

        async def counted() -> None:
            nonlocal tries
            tries += 1
            if tries > MOST_TRIES:
                raise ViolationError("a writer does not get through")
            await write()

        await self._keeper.commit(deposits, counted)

    async def _store_value(self, deposit: Deposit) -> None:
        if "a barred name is used again" in self.world.bugs:
            deposit.edition = 0
        self.world.counts["stored anew"] += deposit.stored_at is not None
        await self._plane.store(deposit)
        await Pause()

    def _uptime(self) -> float:
        """The clock of writers."""
        return 0.0 if "a commit may come any time" in self.world.bugs else self.world.now

    async def _collect(self, *, purge: bool) -> None:
        bugs = self.world.bugs
        policy = CollectionPolicy(
            grace_seconds=0.0 if "no grace" in bugs else GRACE,
            config_grace_seconds=GRACE if "configurations have the grace of others" in bugs else CONFIG_GRACE,
        )
        if "tombstones are short-lived" in bugs:
            policy = CollectionPolicy(tombstone_seconds=60.0, deletion_seconds=30.0)
        ledger = ModelLedger(self.world, sweeping=not purge)
        collector = Collector([self._store], ledger, policy, uptime=lambda: self.world.now)
        if purge:
            await collector.purge(RETENTION)
        else:
            await collector.sweep()


def replay(seed: int, turns: int, bugs: frozenset[str] = frozenset()) -> dict[str, int]:
    """Play one schedule; what happened in it.

    Raises:
        ViolationError: it names the seed.
    """
    schedule = Schedule(seed, bugs)
    try:
        schedule.play(turns)
    except ViolationError as error:
        raise ViolationError(f"seed {seed}: {error}") from error
    return schedule.world.counts
