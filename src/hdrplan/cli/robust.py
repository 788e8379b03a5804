"""``hdrplan robust``: what a plan's coverage becomes when catheters, contours and the source are not as planned."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from hdrplan.cli.case import case_options, plan_options, read_case_from
from hdrplan.cli.common import json_option, quiet_option, steps_bar

if TYPE_CHECKING:
    from hdrplan.io import CaseFile
    from hdrplan.plan import Plan
    from hdrplan.simulate import Decomposition, RobustResult, Uncertainty

__all__ = ["command"]

StepTell = Callable[[str, int, int], None]

_COMPONENT_OPTIONS = [
    click.option("--catheter-mm", type=float, help="Displacement of each catheter, RMS in 3D [5.5, Luedemann 2011]."),
    click.option("--rotation-deg", type=float, help="Tilt of each catheter, SD about each axis across it [0]."),
    click.option("--tip-mm", type=float, help="Error of the tip along the catheter, SD [0]."),
    click.option("--source-mm", type=float, help="Source position along the catheter, SD [0.12, Okamoto 2014]."),
    click.option("--timer-s", type=float, help="Time of each dwell, SD [0.032, Okamoto 2014]."),
    click.option("--strength-frac", type=float, help="Air-kerma strength, relative SD [0]."),
    click.option("--ctv-mm", type=float, help="CTV contour against its true surface, SD [0]."),
    click.option("--oar-mm", type=float, help="Organ contours against their true surfaces, SD [0]."),
    click.option("--motion-mm", type=float, help="Shift of the organs against the implant, SD about each axis [0]."),
    click.option("--source-speed", "source_speed_mm_per_s", type=float, help="Speed between dwells; adds transit."),
]


def _component_options(command: Any) -> Any:
    for option in reversed(_COMPONENT_OPTIONS):
        command = option(command)
    return command


@click.command("robust", short_help="Coverage of a plan under uncertainty; robust re-planning.")
@case_options
@click.option("--plan", "plan_path", type=click.Path(path_type=Path), help="plan.json or its folder; else planned.")
@_component_options
@click.option("-n", "--scenarios", type=click.IntRange(2, 1_000_000), default=1000, show_default=True)
@click.option("--seed", type=click.IntRange(0), default=1, show_default=True)
@click.option(
    "--decompose",
    type=click.IntRange(0, 100_000),
    default=128,
    show_default=True,
    help="Base scenarios of the variance decomposition; 0: none.",
)
@click.option("--optimise", is_flag=True, help="Also find the plan that holds in most scenarios, and its price.")
@click.option(
    "--reached",
    type=click.FloatRange(0.0, 1.0, min_open=True),
    default=0.95,
    show_default=True,
    help="Part of the scenarios in which the robust plan holds.",
)
@click.option(
    "--train",
    type=click.IntRange(2, 1000),
    default=40,
    show_default=True,
    help="Scenarios the optimisation sees; judged on others.",
)
@click.option("-o", "--output", type=click.Path(path_type=Path), help="Folder to write; must not exist.")
@click.option("--overwrite", is_flag=True, help="Replace an output folder that hdrplan wrote.")
@json_option
@quiet_option
def command(
    plan_path: Path | None,
    scenarios: int,
    seed: int,
    decompose: int,
    optimise: bool,
    reached: float,
    train: int,
    output: Path | None,
    overwrite: bool,
    as_json: bool,
    quiet: bool,
    **flags: Any,
) -> None:
    """Recompute a plan's coverage in many deliveries that differ from it, and say what costs most.

    Every delivery is recomputed by TG-43, not linearised. What has no published figure is 0 until you give it.

    \b
    Examples:
      hdrplan robust phantoms/liver-lesion-b --plan demo-output -o robust-out
      hdrplan robust phantoms/liver-lesion-b --plan demo-output --ctv-mm 1.5 --strength-frac 0.02 -n 2000 -o out
      hdrplan robust phantoms/liver-lesion-b --plan demo-output --optimise --reached 0.9 -o robust-plan
    """
    from hdrplan.io import check_free
    from hdrplan.simulate import Uncertainty

    given = {name: flags.pop(name) for name in Uncertainty.__dataclass_fields__}
    uncertainty = Uncertainty(**{name: value for name, value in given.items() if value is not None})
    found = read_case_from(flags)
    if output is not None:
        check_free(output, overwrite)
    started = time.perf_counter()
    with steps_bar(quiet=quiet or as_json) as tell:
        plan = _plan(found, plan_path)
        table, results = _studied(found, plan, uncertainty, scenarios, seed, decompose, tell)
        if optimise:
            table["robust_plan"], results["robust"], plans = _replanned(
                found, plan, uncertainty, scenarios, seed, reached, train, tell
            )
    table["seconds"] = round(time.perf_counter() - started, 2)
    if output is not None:
        _write(output, overwrite, found, table, results, plans if optimise else None, uncertainty, seed)
    _print(table, output, as_json)


def _plan(found: CaseFile, plan_path: Path | None) -> Plan:
    """Return the plan asked about, or make one."""
    from hdrplan.io import read_plan
    from hdrplan.workflow import plan_case

    if plan_path is not None:
        return read_plan(plan_path)[0]
    options = plan_options(found)
    return plan_case(found.case, found.goals, found.source, found.strength, options=options).plan


def _studied(
    found: CaseFile, plan: Plan, uncertainty: Uncertainty, scenarios: int, seed: int, base: int, tell: StepTell
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Coverage of the plan, and the shares of its variance."""
    from hdrplan.simulate import decompose, robust_coverage, robust_points

    source, points = plan.source, robust_points(found.case, found.goals)
    started = time.perf_counter()
    result = robust_coverage(
        plan,
        points,
        found.goals,
        source,
        uncertainty,
        scenarios=scenarios,
        seed=seed,
        on_progress=lambda done, total: tell("scenarios", done, total),
    )
    rate = scenarios / (time.perf_counter() - started)
    table = {
        "schema": "hdrplan.robust/1",
        "purpose": "research use only, never for treatment",
        "case": found.case.name,
        "scenarios": scenarios,
        "seed": seed,
        "uncertainty": asdict(uncertainty),
        "points": len(points),
        "sampling": points.method,
        "scenarios_per_s": round(rate, 2),
        "coverage": _coverage_table(result),
        "metrics": _metrics_table(result),
    }
    found_shares: Decomposition | None = None
    if base:
        metric = f"{next(iter(result.prescriptions_gy))} d100_gy"
        found_shares = decompose(
            plan,
            points,
            found.goals,
            source,
            uncertainty,
            metric=metric,
            scenarios=base,
            seed=seed,
            on_progress=lambda done, total: tell("variance", done, total),
        )
        table["variance"] = {
            "metric": metric,
            "base_scenarios": base,
            "shares": {
                key: {"first_order": first, "total": total}
                for key, first, total in zip(
                    found_shares.components, found_shares.first.tolist(), found_shares.total.tolist(), strict=True
                )
            },
        }
    return table, {"planned": result, "shares": found_shares}


def _replanned(
    found: CaseFile,
    plan: Plan,
    uncertainty: Uncertainty,
    scenarios: int,
    seed: int,
    reached: float,
    train: int,
    tell: StepTell,
) -> tuple[dict[str, Any], RobustResult, Plan]:
    """Return the plan that holds in most training scenarios, judged on other scenarios."""
    from dataclasses import replace

    import numpy as np

    from hdrplan.dose import dose_rate
    from hdrplan.optimize import PlanProblem, robust_times
    from hdrplan.simulate import robust_coverage, robust_points, scenario_rates

    source, options = plan.source, plan_options(found)
    coarse = robust_points(found.case, found.goals, spacing_mm=3.0, max_points=4000)
    # Scenarios of another seed: a plan is never judged on those it was made for.
    rates = scenario_rates(
        plan,
        coarse,
        source,
        uncertainty,
        scenarios=train,
        seed=seed + 1_000_003,
        on_progress=lambda done, total: tell("matrices", done, total),
    )
    rate = dose_rate(plan.dwells, coarse.points_mm, source, strength_u=plan.strength_u)
    best = robust_times(
        PlanProblem(
            rate=rate,
            points=coarse,
            goals=found.goals,
            healthy=found.case.healthy,
            max_time_s=options.max_dwell_s,
        ),
        rates,
        reached_frac=reached,
        on_progress=lambda done, total: tell("robust LP", done, total),
    )
    robust_plan = replace(plan, times_s=best.times_s)
    judged = robust_coverage(
        robust_plan,
        robust_points(found.case, found.goals),
        found.goals,
        source,
        uncertainty,
        scenarios=scenarios,
        seed=seed,
        on_progress=lambda done, total: tell("judge", done, total),
    )
    mean_row = np.zeros(len(plan.times_s))
    if found.case.healthy is not None:
        rows = coarse.rows(found.case.healthy)
        mean_row = np.average(rate.gy_per_s[rows], axis=0, weights=coarse.volume_cc[rows])
    table = {
        "text": best.text,
        "reached_frac": reached,
        "training_scenarios": train,
        "excused": list(best.excused),
        "objective": best.objective,
        "unit": best.unit,
        "value": best.value,
        "bound_same_scenarios": best.chosen_bound,
        "bound_any_scenarios": best.bound,
        "value_every_scenario": best.every_value,
        "nominal_plan_mean_gy": float(mean_row @ plan.times_s),
        "total_time_s": robust_plan.total_time_s,
        "coverage": _coverage_table(judged),
        "metrics": _metrics_table(judged),
    }
    return table, judged, robust_plan


def _coverage_table(result: RobustResult) -> dict[str, Any]:
    table = {}
    for ctv, dose_gy in result.prescriptions_gy.items():
        p, low, high = result.coverage(ctv)
        table[ctv] = {"prescription_gy": dose_gy, "probability": p, "ci95": [low, high]}
    return table


def _metrics_table(result: RobustResult) -> dict[str, Any]:
    import numpy as np

    table = {}
    for k, name in enumerate(result.names):
        values = result.values[:, k]
        low, median, high = np.percentile(values, (5, 50, 95))
        table[name] = {
            "planned": float(result.nominal[k]),
            "mean": float(values.mean()),
            "sd": float(values.std(ddof=1)),
            "p5": float(low),
            "p50": float(median),
            "p95": float(high),
            "worst": float(values.min() if " d100" in name or " d9" in name or "v100" in name else values.max()),
        }
    return table


def _write(
    output: Path,
    overwrite: bool,
    found: CaseFile,
    table: dict[str, Any],
    results: dict[str, Any],
    robust_plan: Plan | None,
    uncertainty: Uncertainty,
    seed: int,
) -> None:
    from hdrplan.io import new_folder, write_json, write_plan, write_run
    from hdrplan.report import robust_figure

    planned: RobustResult = results["planned"]
    organs = sorted(
        (name for name in planned.bands_gy if name not in planned.prescriptions_gy),
        key=lambda name: -planned.nominal_gy[name][len(planned.nominal_gy[name]) // 8],
    )[:4]
    with new_folder(output, overwrite=overwrite) as draft:
        write_json(draft / "robust.json", table)
        _write_scenarios(draft / "scenarios.csv", planned)
        for ending in ("png", "svg", "pdf"):
            robust_figure(planned, organs, results["shares"], draft / f"robust.{ending}")
        if robust_plan is not None:
            write_plan(draft / "plan.json", robust_plan, f"{found.case.name}, robust")
            _write_scenarios(draft / "scenarios_robust_plan.csv", results["robust"])
            for ending in ("png", "svg", "pdf"):
                robust_figure(results["robust"], organs, None, draft / f"robust_plan.{ending}")
        write_run(draft, inputs=found.inputs, options=asdict(uncertainty), seed=seed)


def _write_scenarios(path: Path, result: RobustResult) -> None:
    from hdrplan.io import write_rows

    header = ("scenario", *(name.replace(" ", ".") for name in result.names))
    write_rows(path, header, ((k, *(f"{v:.6g}" for v in row)) for k, row in enumerate(result.values)))


def _print(table: dict[str, Any], output: Path | None, as_json: bool) -> None:
    if as_json:
        from hdrplan.io import json_text

        click.echo(json_text(table), nl=False)
        return
    for label, part in (("as planned", table), ("robust plan", table.get("robust_plan"))):
        if part is None:
            continue
        for ctv, c in part["coverage"].items():
            m = part["metrics"][f"{ctv} d100_gy"]
            click.echo(
                f"{label}: {ctv} reaches {c['prescription_gy']:g} Gy in {100 * c['probability']:.1f} % of "
                f"{table['scenarios']} deliveries (95 % CI {100 * c['ci95'][0]:.1f} to {100 * c['ci95'][1]:.1f}); D100 "
                f"planned {m['planned']:.2f}, median {m['p50']:.2f}, 5th percentile {m['p5']:.2f} Gy"
            )
    if "robust_plan" in table:
        part = table["robust_plan"]
        click.echo(f"{part['text']}; the plan as planned gives {part['nominal_plan_mean_gy']:.4g} Gy")
    for key, share in sorted(
        table.get("variance", {"shares": {}})["shares"].items(), key=lambda item: -item[1]["total"]
    ):
        total, alone = 100 * share["total"], 100 * share["first_order"]
        click.echo(f"variance of D100 from {key}: {total:.0f} % (alone {alone:.0f} %)")
    click.echo(f"{table['scenarios_per_s']:.1f} deliveries a second on {table['points']} points")
    if output is not None:
        click.echo(f"Wrote {output}: look at {output / 'robust.png'}. Research use only, never for treatment.")
