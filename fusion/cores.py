"""How many cores one computation takes.

Torch's threads wait for each other busily: where many small computations run at once, each on every
core, they mostly wait. So an agent gives each of them one core, and the cores are shared by turns;
what a customer waits seconds for may still take them all.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from threading import Lock

import torch

ALL = torch.get_num_threads()  # as many as the machine has, or OMP_NUM_THREADS allows

_lock = Lock()
_each = ALL
_long = 0  # computations under way that take them all


def share_cores() -> None:
    """From now on a computation takes one core, unless it is under `all_cores`."""
    global _each
    with _lock:
        _each = 1
        torch.set_num_threads(ALL if _long else _each)


@contextmanager
def all_cores() -> Iterator[None]:
    """For what takes seconds. What is computed beside it may take more cores than one meanwhile."""
    global _long
    with _lock:
        _long += 1
        torch.set_num_threads(ALL)
    try:
        yield
    finally:
        with _lock:
            _long -= 1
            torch.set_num_threads(ALL if _long else _each)
