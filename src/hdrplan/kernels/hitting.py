"""Sets of few elements that meet every one of many sets: a search that can be resumed."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from hdrplan.kernels._jit import jit

__all__ = ["next_hitting_set", "smallest_cuts"]

I64 = npt.NDArray[np.int64]
U64 = npt.NDArray[np.uint64]


@jit
def _missed(cuts: U64, mine: np.uint64, shut: np.uint64, last: bool) -> tuple[int, np.uint64]:
    """Return how many elements may meet the cuts missed (-1: none is missed), and these, as bits.

    The elements are those of the missed cut with the fewest; where only one more can be taken, those in all of them.
    """
    one, zero = np.uint64(1), np.uint64(0)
    missed, fewest, least, common = False, 99, zero, ~zero
    for c in range(len(cuts)):
        if cuts[c] & mine == zero:
            missed = True
            left = cuts[c] & ~shut
            common &= left
            n, bits = 0, left
            while bits != zero and n < fewest:
                bits &= bits - one
                n += 1
            if n < fewest:
                fewest, least = n, left
            if n == 0 or (last and common == zero):
                return 0, zero
    if not missed:
        return -1, zero
    return fewest, common if last else least


@jit
def next_hitting_set(
    cuts: U64, apart: U64, most: int, chosen: I64, branch: U64, tried: U64, banned: U64, state: I64
) -> bool:
    """Find the next set of at most ``most`` elements that meets every cut; False when there is none left.

    Depth first, and it can be resumed: after a set was found the caller adds cuts that it misses, and calls again.
    Bit i of a set stands for element i.

    Parameters
    ----------
    cuts : (n,) uint64 array
        Sets of elements.
    apart : (n_elements,) uint64 array
        ``apart[i]`` holds the elements that exclude i.
    most : int
    chosen : (most + 2,) int array
        Zeros at first, like all that follow; written: the element of each depth, those of the set up to ``state[0]``.
    branch, tried, banned : (most + 2,) uint64 arrays
        Written, by depth: elements to try, those tried already, and all that are shut out, for sets that hold them are
        done.
    state : (2,) int array
        Written: depth, and 1 on coming back from below.
    """
    one, zero = np.uint64(1), np.uint64(0)
    depth, back = state[0], state[1]
    while depth >= 0:
        if back == 0:
            mine, shut = zero, banned[depth]
            for d in range(depth):
                mine |= one << np.uint64(chosen[d])
                shut |= apart[chosen[d]]
            n, branch[depth] = _missed(cuts, mine, shut, depth == most - 1)
            tried[depth] = zero
            if n < 0:
                state[0], state[1] = depth, 0
                return True
            if n == 0 or depth == most:
                branch[depth] = zero
        left = branch[depth] & ~tried[depth]
        if left == zero:
            back = 1
            depth -= 1
            continue
        lowest = 0
        while (left >> np.uint64(lowest)) & one == zero:
            lowest += 1
        chosen[depth] = lowest
        banned[depth + 1] = banned[depth] | tried[depth]
        tried[depth] |= one << np.uint64(lowest)
        depth += 1
        back = 0
    state[0], state[1] = -1, 1
    return False


@jit
def smallest_cuts(cuts: U64) -> U64:
    """Leave out the cuts that another one implies: those that hold all of its elements. Small ones come first.

    Parameters
    ----------
    cuts : (n,) uint64 array
    """
    zero = np.uint64(0)
    size = np.empty(len(cuts), dtype=np.int64)
    for c in range(len(cuts)):
        size[c], bits = 0, cuts[c]
        while bits != zero:
            bits &= bits - np.uint64(1)
            size[c] += 1
    kept = np.empty(len(cuts), dtype=np.uint64)
    n = 0
    for c in np.argsort(size):
        needed = True
        for k in range(n):
            if kept[k] & cuts[c] == kept[k]:
                needed = False
                break
        if needed:
            kept[n] = cuts[c]
            n += 1
    return kept[:n]
