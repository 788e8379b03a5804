"""What threads have freed is given back to the system: the rest of a plan does not come on top of it."""

import platform
import subprocess
import sys

import pytest

_CODE = """
import numpy as np
from hdrplan.memory import give_back
from hdrplan.threads import over_rows

def resident_mb():
    return int(open("/proc/self/statm").read().split()[1]) * 4096 / 1e6

def block(first, last):
    kept.append([np.full(6_000, 1.0) for _ in range(1_000)])

kept, before = [], resident_mb()
over_rows(block, 4, smallest=1)
held = [pieces[-1] for pieces in kept]
kept.clear()
del held[:-1]
freed = resident_mb() - before
give_back()
print(freed, resident_mb() - before)
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc" or sys.platform != "linux", reason="other C libraries keep none")
def test_memory_of_threads_is_given_back() -> None:
    run = subprocess.run([sys.executable, "-c", _CODE], capture_output=True, text=True, check=True)
    kept_mb, left_mb = (float(number) for number in run.stdout.split())
    assert kept_mb > 20.0, "the C library has kept nothing: this test says nothing of it"
    assert left_mb < kept_mb / 4


_LARGE = """
import sys
import numpy as np
from hdrplan.memory import give_back_at_once

def resident_mb():
    return int(open("/proc/self/statm").read().split()[1]) * 4096 / 1e6

if sys.argv[1] == "at once":
    give_back_at_once()
np.full(3_900_000, 1.0)  # 31 MB: from now on the C library takes as much from its heap
before = resident_mb()
pieces = [np.full(1_250_000, 1.0) for _ in range(20)]
small = np.full(3_000, 1.0)  # behind them
del pieces
print(resident_mb() - before)
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc" or sys.platform != "linux", reason="other C libraries keep none")
def test_large_arrays_are_given_back_at_once() -> None:
    left_mb = {
        when: float(
            subprocess.run([sys.executable, "-c", _LARGE, when], capture_output=True, text=True, check=True).stdout
        )
        for when in ("at once", "later")
    }
    assert left_mb["later"] > 100.0, "the C library has kept nothing: this test says nothing of it"
    assert left_mb["at once"] < 10.0
