"""Small computations share the cores, long ones take them all, and all is as before afterwards."""

import subprocess
import sys

PROGRAM = """
import torch
from fusion.cores import ALL, all_cores, share_cores

assert ALL == torch.get_num_threads() == 2
with all_cores():
    pass
assert torch.get_num_threads() == 2
share_cores()
assert torch.get_num_threads() == 1
with all_cores():
    with all_cores():
        assert torch.get_num_threads() == 2
    assert torch.get_num_threads() == 2
assert torch.get_num_threads() == 1
"""


def test_cores_are_shared_and_long_computations_take_them_all():
    """In a process of its own: how many threads torch takes is the whole process's."""
    run = [sys.executable, "-c", PROGRAM]
    subprocess.run(run, check=True, env={"OMP_NUM_THREADS": "2", "PATH": ""})
