"""What importing costs, and what it must not drag in."""

import json
import subprocess
import sys

import pytest

HEAVY = {"pandas", "scipy", "statsmodels", "matplotlib", "openai", "anthropic", "duckdb", "pydantic", "xllamacpp"}


def loaded_by(statement: str) -> set[str]:
    """Top-level modules in a fresh interpreter after one statement."""
    script = f"{statement}\nimport json, sys\nprint(json.dumps(sorted({{m.split('.')[0] for m in sys.modules}})))"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    return set(json.loads(done.stdout))


def test_importing_the_package_loads_nothing_heavy() -> None:
    assert not loaded_by("import bizq_lab") & HEAVY


@pytest.mark.parametrize(
    ("module", "allowed"),
    [
        ("bizq_lab.core.result", set[str]()),
        ("bizq_lab.config", {"pydantic"}),
        ("bizq_lab.routing", {"pydantic"}),
        ("bizq_lab.catalog", {"pydantic"}),
        ("bizq_lab.stats", {"scipy"}),
        ("bizq_lab.execution", {"pydantic"}),
        ("bizq_lab.lab", {"pydantic", "duckdb"}),
        ("bizq_lab.cli", {"pydantic", "duckdb"}),
    ],
)
def test_a_room_loads_only_what_it_needs(module: str, allowed: set[str]) -> None:
    assert loaded_by(f"import {module}") & HEAVY <= allowed


def test_every_public_name_is_there_and_listed_once() -> None:
    import bizq_lab  # noqa: PLC0415 - the lazy names are the subject

    names = list(bizq_lab.__all__)
    assert set(names) == {*bizq_lab._HOME, "__version__"}
    assert len(names) == len(set(names))
    for name in names:
        assert getattr(bizq_lab, name) is not None
    with pytest.raises(AttributeError, match="no_such_name"):
        bizq_lab.no_such_name  # noqa: B018 - the access is the subject
