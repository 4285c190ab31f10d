"""What a lab publishes is what production may run."""

from __future__ import annotations

from pathlib import Path

import pytest

from bizq_lab.catalog import Catalog, load_catalog
from bizq_lab.config import ArmSpec
from bizq_lab.errors import RetiredModel
from tests.support.lab_small import DAY, TYPE, catalog, small_lab, start


def test_a_retired_model_is_not_published_for_any_reason(tmp_path: Path) -> None:
    """S2: it would be refused by every call."""
    known = catalog()
    models = {**load_catalog("classic", as_of=DAY).models, **known.models}
    both = Catalog(name="current", purpose="live", as_of=DAY, models=models, task_types=known.task_types)
    config = start({"luna": 100}, arms={"luna": ArmSpec(model="openai/gpt-4")})
    with small_lab(tmp_path, catalog=both) as lab, pytest.raises(RetiredModel, match="gpt-4"):
        lab.publish(config, tmp_path / "routing.json", override="please")
    assert not (tmp_path / "routing.json").exists()


def test_a_lab_exports_the_config_in_force(tmp_path: Path) -> None:
    with small_lab(tmp_path, config=start({"luna": 100})) as lab:
        made = lab.export("litellm")
    assert f"model_name: {TYPE}" in made.text
    assert made.config_hash == start({"luna": 100}).hash
