"""What makes a comparison doubtful or void: unequal samples, drifted models, mixed prices and prompts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from bizq_lab.core.estimate import Caveat
from bizq_lab.errors import InputError, PositivityViolation
from bizq_lab.stats.srm import sample_ratio

if TYPE_CHECKING:
    from bizq_lab.analysis.cells import Window
    from bizq_lab.store import Log

FATAL = frozenset({"sample_ratio_mismatch", "drifted_model", "positivity"})
_CERTAIN_PPB = 1_000_000_000
_ROUNDING_PPB = 1_000

_Row = Mapping[str, Any]


def arm_caveats(rows: Sequence[_Row], arms: Sequence[str], *, metric: str, single_experiment: bool) -> list[Caveat]:
    """Reservations that the arms' own rows of `compare.sql` give."""
    own = [row for row in rows if row["arm"] in arms]
    checks = [
        ("pending", sum(r["pending"] for r in own) > 0, "Some decisions have no outcome yet and are left out"),
        ("drifted_model", any(r["drifted"] for r in own), "A model's served id changed while the arms were compared"),
        ("mixed_prices", _several(own, "catalogs"), "Outcomes were priced under more than one price version"),
        ("mixed_prompts", _several(own, "prompts"), "An arm ran under more than one version of its prompt"),
        ("mixed_models", _several(own, "models"), "An arm ran on more than one model"),
        (
            "mixed_experiments",
            not single_experiment and _several(own, "experiments"),
            "Outcomes of more than one experiment are pooled",
        ),
        ("unpriced", any(r["cost_n"] < r["n"] for r in own), "Some calls have no known price; costs leave them out"),
    ]
    if metric == "quality":
        sources = _several(own, "sources") or len({r["source"] for r in own if r["source"]}) > 1
        checks += [
            ("mixed_quality", sources, "Quality comes from more than one source, and sources are not comparable"),
            (
                "quality_missing",
                any(r["quality_missing"] for r in own),
                "Some completed tasks have no measured quality",
            ),
        ]
    if metric == "rating":
        rated = any(r["rating_n"] < r["n"] for r in own)
        checks.append(("ratings_missing", rated, "Ratings are of those who answered; others may think differently"))
    return [Caveat(code=code, message=message) for code, found, message in checks if found]


def sample_ratio_caveats(log: Log, window: Window) -> list[Caveat]:
    """Whether each arm got the units that the logged propensities promise, each once at its first exposure (S29)."""
    rows = log.query("exposures", **window.params())
    if not rows:
        return [Caveat(code="sample_ratio_unchecked", message="The log holds no candidates to check the split against")]
    arms = sorted({row["arm"] for row in rows})
    strata: dict[tuple[str, ...], dict[str, _Row]] = {}
    for row in rows:
        key = row["experiment"], row["stage"], row["config_hash"], row["eligible"]
        strata.setdefault(key, {})[row["arm"]] = row
    whole = [s for s in strata.values() if abs(_total_ppb(s) - _CERTAIN_PPB) <= _ROUNDING_PPB * len(s)]
    observed = [[s[arm]["observed"] if arm in s else 0 for arm in arms] for s in whole]
    promised = [[s[arm]["propensity_ppb"] / _total_ppb(s) if arm in s else 0.0 for arm in arms] for s in whole]
    if not whole:
        return [Caveat(code="sample_ratio_unchecked", message="The logged propensities do not sum to one")]
    try:
        check = sample_ratio(observed, promised)
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


def _several(rows: Sequence[_Row], column: str) -> bool:
    return any(row[column] > 1 for row in rows)


def _total_ppb(stratum: Mapping[str, _Row]) -> int:
    return sum(int(row["propensity_ppb"]) for row in stratum.values())
