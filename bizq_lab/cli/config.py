"""`bizq-lab tune|export|import-config|sign|diff|verify`: from weights to what production runs."""

from __future__ import annotations

import math
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from bizq_lab.cli.output import AsJson, Exit, LogPath, Preset, emit, existing, read_key, say
from bizq_lab.config.exporters import LOCAL_URL, TARGETS, targets
from bizq_lab.config.importers import Source
from bizq_lab.errors import InputError, NotEnoughData

AsOf = Annotated[datetime | None, typer.Option(formats=["%Y-%m-%d"], help="Today; default the clock's day.")]
Models = Annotated[
    Path | None, typer.Option("--models", help="A TOML file of models and task types over the config's catalog.")
]
ConfigArgument = Annotated[Path, typer.Argument(help="A published routing.json.")]


def tune(
    log: LogPath = Path("lab.duckdb"),
    budget: Annotated[float | None, typer.Option(min=0, help="Most USD a day, at the volumes.")] = None,
    volume: Annotated[
        list[str] | None, typer.Option(metavar="TYPE=N", help="Tasks a day of a type, 1,000 if not said; repeatable.")
    ] = None,
    quality_floor: Annotated[float, typer.Option(min=0, max=1, help="Least success rate to keep.")] = 0.0,
    latency_limit: Annotated[float | None, typer.Option(min=0, help="Most mean seconds of a task.")] = None,
    exploration_floor: Annotated[
        float | None,
        typer.Option(min=0, max=1, show_default="0.05", help="Least share of every measured arm, to go on learning."),
    ] = None,
    ramp_limit: Annotated[float, typer.Option(min=0, max=1, help="Most that a share may change at once.")] = 1.0,
    local_only: Annotated[
        list[str] | None,
        typer.Option(metavar="TYPE", help="Its data stay on the machine; repeatable, * for all."),
    ] = None,
    tier_cap: Annotated[
        list[str] | None,
        typer.Option(metavar="TYPE=TIER", help="Greatest tier it may use; repeatable, * for all."),
    ] = None,
    config: Annotated[Path | None, typer.Option(help="The config in force; its arms are tuned.")] = None,
    publish: Annotated[Path | None, typer.Option(help="Write the proposal to this routing.json.")] = None,
    models: Models = None,
    prove: Annotated[bool, typer.Option("--prove", help="Show the proof; publishing then needs it.")] = False,
    reprice: Annotated[bool, typer.Option("--reprice", help="Logged tokens at the prices of today.")] = False,
    override: Annotated[str, typer.Option(help="Publish against the evidence, for this logged reason.")] = "",
    as_of: Annotated[datetime | None, typer.Option(formats=["%Y-%m-%d"], help="Date the config carries.")] = None,
    as_json: AsJson = False,
) -> None:
    """Propose routing weights that the log supports, and publish them when asked.

    Example: bizq-lab tune --log out/demo/lab.duckdb --config out/demo/routing.json --quality-floor 0.5
    """
    from bizq_lab.catalog import load_catalog
    from bizq_lab.config import load_config
    from bizq_lab.lab import Lab
    from bizq_lab.tuning.limits import EXPLORATION_FLOOR

    when = (as_of or datetime.now(UTC)).date()
    caps = by_type(tier_cap, "--tier-cap")
    volumes = {name: number(text, "--volume") for name, text in by_type(volume, "--volume").items()}
    present = None if config is None else load_config(_there(config))
    name = "current" if present is None else present.catalog
    catalog = load_catalog(name, override=models)
    with Lab.open(existing(log), catalog=catalog, config=present) as lab:
        proposal = lab.tune(
            budget_usd=budget,
            quality_floor=quality_floor,
            latency_limit_s=latency_limit,
            exploration_floor=EXPLORATION_FLOOR if exploration_floor is None else exploration_floor,
            ramp_limit=ramp_limit,
            volumes=volumes,
            local_only=local_only or (),
            tier_caps=caps,
            reprice=reprice,
            as_of=when,
        )
        proof = lab.prove(proposal) if prove else None
        if publish is not None:
            lab.publish(proposal, publish, override=override, proof=proof)
            say(f"published {publish}")
    emit(proposal if proof is None else proof, as_json=as_json)


def by_type(given: list[str] | None, option: str) -> dict[str, str]:
    """`TYPE=VALUE`, each once."""
    pairs = [text.partition("=") for text in given or ()]
    for name, equals, value in pairs:
        if not (name and equals and value):
            raise typer.BadParameter(f"{name}{equals}{value!r} is not TYPE=VALUE", param_hint=option)
    return {name: value for name, _, value in pairs}


def number(text: str, option: str) -> float:
    """A positive number."""
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not 0 < value < math.inf:
        raise typer.BadParameter(f"{text!r} is not a positive number", param_hint=option)
    return value


def export(
    config: ConfigArgument,
    target: Annotated[
        str,
        typer.Option(
            "--target", help=f"What is to read it: {', '.join(TARGETS)}, or a plug-in's.", autocompletion=targets
        ),
    ] = "json",
    out: Annotated[Path | None, typer.Option(help="File to write; default is stdout.")] = None,
    models: Models = None,
    local_url: Annotated[str, typer.Option(help="Where the local server answers.")] = LOCAL_URL,
    as_of: AsOf = None,
    as_json: AsJson = False,
) -> None:
    """Write a verified config as a gateway reads it, and say what that gateway cannot express.

    Example: bizq-lab export --target litellm out/demo/routing.json --out config.yaml
    """
    from bizq_lab.catalog import load_catalog
    from bizq_lab.config import load_config
    from bizq_lab.config.exporters import export as exported

    checked, today = load_config(_there(config)), (as_of or datetime.now(UTC)).date()
    made = exported(
        checked, load_catalog(checked.catalog, override=models, as_of=today), target, today=today, local_url=local_url
    )
    for loss in made.losses:
        say(f"not expressed: {loss}")
    if out is not None:
        out.write_text(made.text, encoding="utf-8")
        say(f"wrote {out}")
    if as_json:
        written = {"text": made.text} if out is None else {"file": str(out)}
        losses = [loss._asdict() for loss in made.losses]
        emit(
            {"config": str(config), "sha256": checked.hash, "target": target, "losses": losses, **written}, as_json=True
        )
    elif out is None:
        typer.echo(made.text, nl=False)


def import_config(
    file: Annotated[Path, typer.Argument(help="LiteLLM's config.yaml or tensorzero.toml.")],
    source: Annotated[Source, typer.Option("--from", help="Whose config it is.")],
    out: Annotated[Path, typer.Option(help="The routing.json to write.")] = Path("routing.json"),
    models: Annotated[Path, typer.Option(help="Where models that the catalog lacks are written.")] = Path(
        "models.toml"
    ),
    catalog: Preset = "current",
    as_of: AsOf = None,
    as_json: AsJson = False,
) -> None:
    """Start from what a gateway runs: its weights as a routing config, and what could not be taken.

    Example: bizq-lab import-config config.yaml --from litellm --out routing.json
    """
    from bizq_lab.catalog import load_catalog
    from bizq_lab.config import save_config
    from bizq_lab.config.importers import import_config as imported

    when = (as_of or datetime.now(UTC)).date()
    found = imported(_text(file), source, load_catalog(catalog, as_of=when), as_of=when)
    for item in found.untaken:
        say(f"not taken: {item}")
    save_config(found.config, out)
    say(f"wrote {out}")
    if found.added:
        models.write_text(found.models_toml(), encoding="utf-8")
        say(f"wrote {models}: {len(found.added)} models that the catalog does not have; complete it")
    facts = {
        "file": str(out),
        "sha256": found.config.hash,
        "models": str(models) if found.added else None,
        "added": list(found.added),
        "task_types": len(found.config.tasks),
        "arms": len(found.config.arms),
        "not_taken": [item._asdict() for item in found.untaken],
    }
    emit(facts, as_json=as_json, text=f"{len(found.config.tasks)} task types, {len(found.config.arms)} arms")


def _text(file: Path) -> str:
    try:
        return file.read_text("utf-8")
    except FileNotFoundError:
        raise NotEnoughData(f"no file at {str(file)!r}", hint="name the gateway's own config file") from None
    except UnicodeDecodeError:
        raise InputError(f"{str(file)!r} is not text in UTF-8", hint="name the gateway's own config file") from None


def sign(
    config: ConfigArgument,
    key: Annotated[Path, typer.Option(help="Ed25519 private key in PEM.")],
    out: Annotated[Path | None, typer.Option(help="File to write; default is the config itself.")] = None,
    as_json: AsJson = False,
) -> None:
    """Sign a verified config, so that readers can tell who wrote it.

    Example: bizq-lab sign routing.json --key key.pem
    """
    from bizq_lab.config import load_config, save_config
    from bizq_lab.config.signing import sign_config

    signed = sign_config(load_config(_there(config)), read_key(key))
    written = save_config(signed, out or config)
    say(f"wrote {written}")
    by = "" if signed.signature is None else signed.signature.key
    emit({"file": str(written), "sha256": signed.hash, "key": by}, as_json=as_json, text=f"signed with key {by}")


def diff(
    first: Annotated[Path, typer.Argument(help="A routing.json.")],
    second: Annotated[Path, typer.Argument(help="Another, usually the later one.")],
    as_json: AsJson = False,
) -> None:
    """Say in words what differs between two configs, and how many units change their arm.

    Example: bizq-lab diff routing.json next.json
    """
    from bizq_lab.config import diff as paths
    from bizq_lab.config import in_words, load_config

    a, b = load_config(_there(first)), load_config(_there(second))
    said = in_words(a, b)
    changes = [change._asdict() for change in paths(a, b)]
    document = {"first": a.hash, "second": b.hash, "said": list(said), "changes": changes}
    emit(document, as_json=as_json, text="\n".join(said) or "no difference")


def verify(
    config: ConfigArgument,
    key: Annotated[
        Path | None, typer.Option(help="Ed25519 public key in PEM; the config must be signed with it.")
    ] = None,
    models: Models = None,
    as_json: AsJson = False,
) -> None:
    """Check a config: schema, checksum, signature, weights, arms and expiry. Exits 3 when it has expired.

    Example: bizq-lab verify out/demo/routing.json
    """
    from bizq_lab.catalog import load_catalog
    from bizq_lab.config import load_config
    from bizq_lab.config.shippable import refuse_retired

    checked = load_config(_there(config))
    if key is not None:
        from bizq_lab.config.signing import verify_signature

        verify_signature(checked, read_key(key))
    catalog = load_catalog(checked.catalog, override=models)
    for name, arm in checked.arms.items():
        refuse_retired(arm.model, catalog, offline=checked.purpose == "offline", where=f"arm {name!r}")
    facts = {
        "config": str(config),
        "sha256": checked.hash,
        "purpose": checked.purpose,
        "signed_with": checked.signature and checked.signature.key,
        "as_of": checked.as_of.isoformat(),
        "expires_on": checked.expires_on and checked.expires_on.isoformat(),
        "expired": checked.expired(datetime.now(UTC).date()),
        "task_types": len(checked.tasks),
        "arms": len(checked.arms),
    }
    emit(facts, as_json=as_json, text="\n".join(f"{name:<10}  {value}" for name, value in facts.items()))
    if facts["expired"]:
        say(f"{config} expired on {checked.expires_on}: it goes on routing, but nothing is published or ramped from it")
        raise typer.Exit(Exit.ALERT)


def _there(path: Path) -> Path:
    if not path.exists():
        message = f"no config at {str(path)!r}"
        raise NotEnoughData(message, hint="publish one: bizq-lab tune --publish routing.json")
    return path


COMMANDS = (tune, export, import_config, sign, diff, verify)
