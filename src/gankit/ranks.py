"""The processes that train one model together: who is first, whose records are whose, and means over all of them.

Knows torch.distributed; never networks, data or what is trained. A process alone is the only one of one, and nothing
here then costs or changes anything.
"""

from __future__ import annotations

import atexit
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any, TypeVar

from gankit.errors import DataError, LostProcess, OptionError, reason

if TYPE_CHECKING:
    from torch import Tensor

T = TypeVar("T")

PATIENCE = timedelta(hours=2)
"""How long one process waits for another: evaluations, and what is prepared from the data, may take that long."""


@dataclass(frozen=True)
class Ranks:
    """One of `world` processes that hold the same networks and share each batch: number `rank`, from 0."""

    rank: int = 0
    world: int = 1

    @property
    def first(self) -> bool:
        """Whether it is the one that writes, speaks, evaluates and decides."""
        return self.rank == 0

    def share(self, x: Tensor, block: int = 1, parts: int = 1) -> Tensor:
        """Its rows of x [parts * B, ...]: of each part every `world`-th block of `block` rows.

        >>> import torch
        >>> Ranks(1, 2).share(torch.arange(8)).tolist(), Ranks(1, 2).share(torch.arange(8), 2).tolist()
        ([1, 3, 5, 7], [2, 3, 6, 7])
        """
        if self.world == 1:
            return x
        blocks = len(x) // (parts * self.world * block)
        return x.reshape(parts, blocks, self.world, block, *x.shape[1:])[:, :, self.rank].flatten(0, 2)

    def mean(self, x: Tensor) -> Tensor:
        """The mean of x over the processes, without gradients."""
        if self.world == 1:
            return x
        import torch.distributed as dist

        x = x.detach().clone()
        with _exchange():
            dist.all_reduce(x)
        return x / self.world

    def mean_with_gradients(self, x: Tensor) -> Tensor:
        """The same, through which gradients flow back once."""
        if self.world == 1:
            return x
        from torch.distributed.nn.functional import all_reduce

        found: Tensor = all_reduce(x)  # type: ignore[no-untyped-call]
        return found / self.world

    def mean_of_all(self, tensors: Sequence[Tensor | None]) -> Sequence[Tensor | None]:
        """The means of tensors, None where there is none, in one exchange of flat numbers of each type."""
        if self.world == 1:
            return tensors
        import torch

        found: list[Tensor | None] = [None] * len(tensors)
        for dtype in {t.dtype for t in tensors if t is not None}:
            places = [i for i, t in enumerate(tensors) if t is not None and t.dtype == dtype]
            some = [t for i in places if (t := tensors[i]) is not None]
            flat = self.mean(torch.cat([t.reshape(-1) for t in some]))
            parts = torch.split(flat, [t.numel() for t in some])
            for i, t, values in zip(places, some, parts, strict=True):
                found[i] = values.view_as(t)
        return found

    def agreed(self, value: T) -> T:
        """The first one's value."""
        if self.world == 1:
            return value
        import torch
        import torch.distributed as dist

        held: list[T] = [value]
        with _exchange():
            dist.broadcast_object_list(held, 0, device=torch.device("cpu"))
        first: T = held[0]
        return first

    def by_first(self, function: Callable[[], T]) -> T:
        """What the function gives the first one, which alone calls it; the others wait. It must be plain data.

        A GankitError that it raises is raised by all.
        """
        if self.world == 1:
            return function()
        found: Any = None
        error: Exception | None = None
        if self.first:
            try:
                with apart():
                    found = function()
            except Exception as raised:
                error = raised
        found, error = self.agreed((found, error))
        if error is not None:
            raise error
        first: T = found
        return first

    def same(self, value: Any, what: str) -> None:
        """Waits for all, and holds what each has against what the first one has.

        Raises:
            DataError: one has another `value`; `what` names it in the sentence.
        """
        if self.world == 1:
            return
        import torch.distributed as dist

        values: list[Any] = [None] * self.world
        with _exchange():
            dist.all_gather_object(values, value)
        odd = [str(rank) for rank, other in enumerate(values) if other != values[0]]
        if odd:
            raise DataError(
                f"process {', '.join(odd)} of {self.world} has {what} than process 0. All must read the same: give "
                "each the same file, by a path that is right on every machine, and the same versions."
            )

    def check_batch(self, batch: int, block: int) -> None:
        """Raises an OptionError where a batch cannot be shared in equal parts of whole blocks."""
        if batch % (self.world * block):
            of = f" of whole groups of {block}" if block > 1 else ""
            more = self.multiple(batch, block)
            raise OptionError(
                f"{self.world} processes cannot share a batch of {batch} records in equal parts{of}. Take --batch "
                f"{more}, where there are as many records, or fewer processes."
            )

    def multiple(self, batch: int, block: int) -> int:
        """The least number of records from `batch` on that can be shared in whole blocks."""
        each = self.world * block
        return -(-batch // each) * each


@contextmanager
def _exchange() -> Iterator[None]:
    try:
        yield
    except RuntimeError as error:
        raise LostProcess(
            "another process of this training has ended, so that this one ends, too. Go on from the last checkpoint "
            f"with --resume. ({reason(error)})"
        ) from error


ALONE = Ranks()
_joined, _apart = ALONE, False


def current() -> Ranks:
    """What the process is among those that train together; alone where none do."""
    return ALONE if _apart else _joined


@contextmanager
def apart() -> Iterator[None]:
    """Within it this process computes for itself."""
    global _apart
    before, _apart = _apart, True
    try:
        yield
    finally:
        _apart = before


def join() -> Ranks:
    """Joins the processes that torchrun (or whatever sets its variables) has started; alone where it has not.

    Raises:
        OptionError: they do not find each other.
    """
    global _joined
    if _joined is not ALONE or by_environment().world < 2:
        return current()
    import torch
    import torch.distributed as dist
    from torch.distributed.distributed_c10d import PrefixStore
    from torch.distributed.rendezvous import rendezvous

    if not dist.is_initialized():
        backend = "cpu:gloo,cuda:nccl" if torch.cuda.is_available() and dist.is_nccl_available() else "gloo"
        try:
            store, rank, world = next(rendezvous("env://", timeout=PATIENCE))
            # torchrun keeps its store over restarts, in which the addresses of dead processes would be found
            store = PrefixStore(f"gankit/{os.environ.get('TORCHELASTIC_RESTART_COUNT', 0)}", store)
            dist.init_process_group(backend, store=store, rank=rank, world_size=world, timeout=PATIENCE)
        except (RuntimeError, ValueError, OSError) as error:
            raise OptionError(
                f"WORLD_SIZE is {os.environ['WORLD_SIZE']}, and the processes did not find each other "
                f"({str(error).splitlines()[0][:200]}). Start them with torchrun or --nproc, or unset WORLD_SIZE."
            ) from error
        atexit.register(dist.destroy_process_group)
    _joined = Ranks(dist.get_rank(), dist.get_world_size())
    return current()


def by_environment() -> Ranks:
    """What this process will be once it has joined, by the variables that torchrun sets."""
    rank, world = (int(os.environ.get(name) or least) for name, least in (("RANK", 0), ("WORLD_SIZE", 1)))
    return Ranks(rank, world)


def restarted() -> bool:
    """Whether torchrun has started these processes anew, after one of them died."""
    return int(os.environ.get("TORCHELASTIC_RESTART_COUNT", "0") or 0) > 0
