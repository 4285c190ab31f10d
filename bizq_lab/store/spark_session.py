"""A Spark session of our own, and what Spark's errors mean here. Knows no table.

pyspark and sqlglot are the extra `spark`; both load when the first session is asked for.
"""

from __future__ import annotations

import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from bizq_lab.errors import InputError, LogError

_SETTINGS = {
    "spark.sql.ansi.enabled": "true",  # overflow raises
    "spark.sql.session.timeZone": "UTC",
    "spark.sql.caseSensitive": "false",
}
# They print a failed query and its whole stack, which is raised anyway.
_LOUD = ("SQLQueryContextLogger", "DataFrameQueryContextLogger")
_INSTALL = "pip install 'bizq-lab[spark]', and a Java 17 runtime"


def new_session() -> Any:
    """A session beside the active one, or on a new local engine."""
    try:
        from pyspark.sql import SparkSession  # noqa: PLC0415 - an extra, and slow to load

        import bizq_lab.store.dialect  # noqa: F401, PLC0415 - says now whether sqlglot is there
    except ImportError as error:
        raise InputError(f"Spark is not installed: {error}", hint=_INSTALL) from None
    with translated():
        for name in _LOUD:
            logging.getLogger(name).setLevel(logging.CRITICAL)
        session = (SparkSession.getActiveSession() or _local_session()).newSession()
        for name, value in _SETTINGS.items():
            session.conf.set(name, value)
        if str(session.sparkContext.master).startswith("local"):
            session.conf.set("spark.sql.shuffle.partitions", str(session.sparkContext.defaultParallelism))
    return session


def _local_session() -> Any:
    """A quiet engine inside this process, on all its cores."""
    from pyspark.sql import SparkSession  # noqa: PLC0415 - as above

    builder: Any = SparkSession.builder
    quiet = {"spark.ui.enabled": "false", "spark.ui.showConsoleProgress": "false"}
    with warnings.catch_warnings():
        warnings.filterwarnings(
            "ignore", message="PySpark does not yet fully support pandas"
        )  # no frame of its is used
        session = builder.appName("bizq_lab").config(map=quiet).getOrCreate()
    session.sparkContext.setLogLevel("OFF")  # what fails is raised
    return session


@contextmanager
def translated() -> Iterator[None]:
    """What Spark says leaves here as one of ours."""
    from py4j.protocol import Py4JError  # noqa: PLC0415 - as above
    from pyspark.errors import PySparkException  # noqa: PLC0415 - as above

    try:
        yield
    except (PySparkException, Py4JError) as error:
        first = next((line for line in str(error).splitlines() if line.strip()), type(error).__name__)
        hint = _INSTALL if "JAVA_GATEWAY" in first or "JAVA_HOME" in first else "see Spark's own log"
        raise LogError(f"Spark: {first[:500]}", hint=hint) from None
