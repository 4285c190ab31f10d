"""What makes a comparison doubtful or void: unequal samples, drifted models, mixed prices and prompts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from bizq_lab.analysis.extent import GROUPS, Conditions, Window
from bizq_lab.core.estimate import Caveat
from bizq_lab.errors import InputError, PositivityViolation
from bizq_lab.stats.srm import sample_ratio

if TYPE_CHECKING:
    from bizq_lab.analysis.outcomes import Outcomes
    from bizq_lab.store import Log

FATAL = frozenset({"sample_ratio_mismatch", "drifted_model", "positivity"})
_CERTAIN_PPB = 1_000_000_000
_ROUNDING_PPB = 1_000
_STRATUM = ("experiment", "stage", "config_hash", "eligible")

_Row = Mapping[str, Any]


def condition_caveats(own: Conditions, *, metric: str, single_experiment: bool) -> list[Caveat]:
    """Reservations that the conditions of the compared arms give."""
    drifted = "; ".join(f"{arm}: {', '.join(map(repr, ids))}" for arm, ids in own.variants("served_model").items())
    checks = [
        ("pending", own.total("pending") > 0, "Some decisions have no outcome yet and are left out"),
        ("drifted_model", bool(drifted), f"A model's served id changed while the arms were compared ({drifted})"),
        ("mixed_prices", own.several("catalog_version"), "Outcomes were priced under more than one price version"),
        ("mixed_prompts", own.several("prompt_version"), "An arm ran under more than one version of its prompt"),
        ("mixed_models", own.several("model"), "An arm ran on more than one model"),
        (
            "mixed_experiments",
            not single_experiment and own.several("experiment"),
            "Outcomes of more than one experiment are pooled",
        ),
        ("unpriced", own.total("cost_n") < own.total("n"), "Some calls have no known price; costs leave them out"),
    ]
    if metric == "quality":
        mixed = len(own.values("quality_source")) > 1
        checks += [
            ("mixed_quality", mixed, "Quality comes from more than one source, and sources are not comparable"),
            ("quality_missing", own.total("quality_missing") > 0, "Some completed tasks have no measured quality"),
        ]
    return [Caveat(code=code, message=message) for code, found, message in checks if found]


def overlap_caveats(log: Log, window: Window, outcomes: Outcomes) -> list[Caveat]:
    """Other experiments that units of the one that was asked about took part in while it ran."""
    if window.experiment is None or outcomes.design != "randomised":
        return []
    asked = {name: value for name, value in window.params().items() if name != "workspace_id"}
    others = log.query("overlapping", **asked, **outcomes.size.units_looked_at)
    if not others:
        return []
    share = f" of the {outcomes.size.part / GROUPS:.1%} that were looked at" if outcomes.size.grouped else ""
    said = ", ".join(f"{row['experiment']} ({row['units']} units{share})" for row in others)
    message = f"Units took part in other experiments at the same time, whose effect is in these outcomes too: {said}"
    return [Caveat(code="overlapping_experiments", message=message)]


def sample_ratio_caveats(log: Log, window: Window, outcomes: Outcomes) -> list[Caveat]:
    """Whether each arm got the units that the logged propensities promise, each once at its first exposure (S29)."""
    strata: dict[tuple[str, ...], dict[str, int]] = {}
    for row in _exposures(log, window, outcomes):
        strata.setdefault(tuple(row[name] for name in _STRATUM), {})[row["arm"]] = row["observed"]
    promises = {key: _promised(key[-1]) for key in strata if key[-1]}
    if not promises:
        return [Caveat(code="sample_ratio_unchecked", message="The log holds no candidates to check the split against")]
    whole = {
        key: own for key, own in promises.items() if abs(sum(own.values()) - _CERTAIN_PPB) <= _ROUNDING_PPB * len(own)
    }
    if not whole:
        return [Caveat(code="sample_ratio_unchecked", message="The logged propensities do not sum to one")]
    arms = sorted({arm for key, own in whole.items() for arm in (*own, *strata[key])})
    try:
        check = sample_ratio(
            [[strata[key].get(arm, 0) for arm in arms] for key in whole],
            [[own.get(arm, 0) / sum(own.values()) for arm in arms] for own in whole.values()],
        )
    except (PositivityViolation, InputError) as error:
        return [Caveat(code="positivity", message=error.message)]
    if not check.alarm:
        return []
    seen = ", ".join(f"{arm} {n}" for arm, n in zip(arms, check.observed, strict=True))
    return [
        Caveat(
            code="sample_ratio_mismatch",
            message=f"Units were not split as logged ({seen}; p = {check.p_value:.1g}): do not read this comparison",
        )
    ]


def _exposures(log: Log, window: Window, outcomes: Outcomes) -> Sequence[_Row]:
    """Units by the arm of their first exposure: of a part of them where they are read in groups."""
    strata, size = outcomes.conditions.values(*_STRATUM), outcomes.size
    if size.grouped or len(strata) != 1 or outcomes.conditions.by_rules:
        return log.query("exposures", **window.params(), **size.units_looked_at, once=size.once)
    ((experiment, stage, config_hash, eligible),) = strata
    observed = outcomes.clusters.first_exposures()
    stratum = {"experiment": experiment, "stage": stage, "config_hash": config_hash, "eligible": eligible}
    return [{**stratum, "arm": arm, "observed": n} for arm, n in observed.items()]


def _promised(eligible: str) -> dict[str, int]:
    """Propensities in parts per billion by arm, from lines `arm=parts`."""
    lines = (line.rpartition("=") for line in eligible.splitlines())
    return {arm: int(parts) for arm, _, parts in lines}
