"""Kill hdrplan at random moments: the output is whole or absent, and a rerun finishes.

PYTHONPATH=src:tests python -m benchmarks.faults [--kills 330] [--stops 75] [--seed 0]

Each round starts a command in a process of its own, kills it (SIGKILL: no cleaning up) after a random part of its usual
time, looks at what is there, and runs it again to the end where the moment was the last of its folder. The stops are
SIGTERM and SIGINT: besides, the exit code says so and nothing is left beside the output.
"""

from __future__ import annotations

import argparse
import random
import signal
import tempfile
import time
from collections import Counter
from dataclasses import dataclass, replace
from pathlib import Path

from benchmarks.fault_commands import COMMANDS, Child, aimed, finished, is_whole, prepared

# Rounds on one output before its rerun: every second one replaces a whole result.
_ROUNDS = 5
# Commands that take longer are run once to learn their usual time; a first run of a minute or two may have compiled.
_LONG_S = 150.0
_STOPS = (signal.SIGTERM, signal.SIGINT)


@dataclass(frozen=True, slots=True, kw_only=True)
class Series:
    """A command, where it works, how long it usually takes, and what each round may draw."""

    arguments: list[str]
    ending: str
    folder: Path
    usual_s: float
    draw: random.Random

    def run_until(self, out: Path, number: int, part: float) -> int:
        """Start the command, send a signal after this part of its time, and return its exit code."""
        child = Child([*aimed(self.arguments, out.name), *(["--overwrite"] if out.exists() else [])], self.folder)
        time.sleep(part * self.usual_s)
        child.send(number)
        return child.wait()

    def moment(self, k: int) -> float:
        """Draw a part of the usual time: two of three lie in its last third, which holds the writing."""
        return self.draw.uniform(0.6, 1.15) if k % 3 else self.draw.uniform(0.0, 0.6)


def _kills(series: Series, count: int) -> Counter[str]:
    seen: Counter[str] = Counter()
    for k in range(count):
        out = series.folder / f"out{k // _ROUNDS}{series.ending}"
        before = out.exists()
        series.run_until(out, signal.SIGKILL, series.moment(k))
        if out.exists():
            seen["whole" if is_whole(out, killed=True) else "broken"] += 1
        else:
            seen["broken" if before else "absent"] += 1
        if k % _ROUNDS == _ROUNDS - 1:
            finished([*aimed(series.arguments, out.name), *(["--overwrite"] if out.exists() else [])], series.folder)
            seen["reruns"] += 1
            seen["broken"] += not is_whole(out)
    return seen


def _stops(series: Series, count: int) -> Counter[str]:
    seen: Counter[str] = Counter()
    for k in range(count):
        # In a folder of its own: kills leave drafts, stops must not.
        number, place = _STOPS[k % 2], series.folder.with_name(f"{series.folder.name}-stop")
        place.mkdir(exist_ok=True)
        out, series = place / f"stop{k}{series.ending}", replace(series, folder=place)
        code = series.run_until(out, number, series.moment(k))
        left = [p.name for p in place.iterdir() if p.name.endswith((".part", ".old"))]
        right = code == 128 + number if not out.exists() else code in (0, 128 + number) and is_whole(out)
        seen["stopped" if right and not left else "not stopped well"] += 1
    return seen


def main() -> None:
    """Run all series and print their table."""
    parse = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parse.add_argument("--kills", type=int, default=330)
    parse.add_argument("--stops", type=int, default=75)
    parse.add_argument("--seed", type=int, default=0)
    parse.add_argument(
        "--only", default="", help=f"Commands that begin with one of these, apart by ;: {'; '.join(COMMANDS)}."
    )
    wanted = parse.parse_args()
    draw = random.Random(wanted.seed)
    chosen = {name: entry for name, entry in COMMANDS.items() if name.startswith(tuple(wanted.only.split(";")))}
    total = sum(share for _, _, share in COMMANDS.values())
    sums: Counter[str] = Counter()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        prepared(folder)
        print(
            "| command | kills | usual time (s) | absent | whole | broken | reruns that finished "
            "| SIGTERM, SIGINT | ended in good order |"
        )
        print("|---|---|---|---|---|---|---|---|---|")
        for title, (arguments, ending, share) in chosen.items():
            place = folder / f"kills-{title.replace(' ', '-').replace(',', '')}"
            place.mkdir()
            usual_s = finished(aimed(arguments, f"first{ending}"), place)
            if usual_s < _LONG_S:
                # The first run may have compiled or imported something.
                usual_s = min(usual_s, finished(aimed(arguments, f"second{ending}"), place))
            series = Series(arguments=arguments, ending=ending, folder=place, usual_s=usual_s, draw=draw)
            kills = max(_ROUNDS, _ROUNDS * round(wanted.kills * share / total / _ROUNDS))
            stops = max(2, round(wanted.stops * share / total))
            seen = _kills(series, kills) + _stops(series, stops)
            print(
                f"| {title} | {kills} | {usual_s:.1f} | {seen['absent']} | {seen['whole']} | {seen['broken']} "
                f"| {seen['reruns']} | {stops} | {seen['stopped']} |",
                flush=True,
            )
            sums += Counter({"kills": kills, "stops": stops}) + seen
    print(
        f"{sums['kills']} kills, {sums['broken']} broken outputs; "
        f"{sums['stops']} stops, {sums['not stopped well']} not in good order"
    )
    if sums["broken"] or sums["not stopped well"]:
        raise SystemExit(1)


if __name__ == "__main__":
    main()
