"""The JSON Schema that the package ships is the one that the code means."""

from __future__ import annotations

import json
from importlib.resources import files

import jsonschema

from bizq_lab.config import json_schema
from bizq_lab.config.canonical import file_bytes
from tests.support.targets import routing


def test_the_shipped_schema_is_fresh() -> None:
    """Regenerate it with `json.dumps(json_schema(), indent=2, sort_keys=True)`."""
    shipped = json.loads(files("bizq_lab.config").joinpath("routing.schema.json").read_text("utf-8"))
    assert shipped == json_schema()
    jsonschema.validate(json.loads(file_bytes(routing())), shipped)
