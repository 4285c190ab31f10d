"""Ed25519 signatures of routing configs: who wrote it, not only that it is whole. Needs the extra `sign`.

What is signed is the hash of the config without its signature; the checksum then covers the signature as well. Touches
no file and keeps no key.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from bizq_lab.config.parts import Signature
from bizq_lab.errors import ConfigError, InputError, InvalidRoutingConfig

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

    from bizq_lab.config.schema import RoutingConfig

_PURPOSE = b"bizq_lab routing config\n"  # a signature made for another purpose is none of ours
_MAKE = "openssl genpkey -algorithm ed25519 -out key.pem; openssl pkey -in key.pem -pubout -out key.pub"


def sign_config(config: RoutingConfig, private_key: bytes) -> RoutingConfig:
    """The same config with a signature; the same key gives the same bytes every time.

    Args:
        config: Signed or not; another signature is replaced.
        private_key: Ed25519 private key in PEM, not encrypted.

    Raises:
        InputError: The key is no such key.
        ConfigError: The extra `sign` is not installed.
    """
    key = _private(private_key)
    signature = Signature(key=_key_id(key.public_key()), ed25519=key.sign(_message(config)).hex())
    return config.with_signature(signature)


def verify_signature(config: RoutingConfig, public_key: bytes) -> None:
    """Raise unless the config was signed with the private half of this key.

    Args:
        config: As loaded.
        public_key: Ed25519 public key in PEM.

    Raises:
        InvalidRoutingConfig: It is not signed, signed with another key, or its signature does not hold.
        InputError: The key is no such key.
        ConfigError: The extra `sign` is not installed.
    """
    key = _public(public_key)
    if config.signature is None:
        message = f"config {config.hash[:12]} is not signed"
        raise InvalidRoutingConfig(message, hint="sign it: bizq-lab sign routing.json --key key.pem")
    if config.signature.key != _key_id(key):
        message = f"config {config.hash[:12]} is signed with key {config.signature.key}, not {_key_id(key)}"
        raise InvalidRoutingConfig(message, hint="ask who published it, or verify with that key")
    from cryptography.exceptions import InvalidSignature  # noqa: PLC0415 - optional

    try:
        key.verify(bytes.fromhex(config.signature.ed25519), _message(config))
    except InvalidSignature:
        message = f"the signature of config {config.hash[:12]} does not hold"
        raise InvalidRoutingConfig(message, hint="do not run it; ask who published it") from None


def _message(config: RoutingConfig) -> bytes:
    return _PURPOSE + config.with_signature(None).hash.encode("ascii")


def _key_id(key: Ed25519PublicKey) -> str:
    return hashlib.sha256(key.public_bytes_raw()).hexdigest()[:16]


def _private(pem: bytes) -> Ed25519PrivateKey:
    """Never says what it read: it may be a secret."""
    try:
        from cryptography.exceptions import UnsupportedAlgorithm  # noqa: PLC0415 - optional
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey  # noqa: PLC0415 - optional
        from cryptography.hazmat.primitives.serialization import load_pem_private_key  # noqa: PLC0415 - optional
    except ImportError:
        raise _missing() from None
    try:
        key = load_pem_private_key(pem, password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        key = None
    if not isinstance(key, Ed25519PrivateKey):
        raise InputError("not an unencrypted Ed25519 private key in PEM", hint=f"make one: {_MAKE}")
    return key


def _public(pem: bytes) -> Ed25519PublicKey:
    try:
        from cryptography.exceptions import UnsupportedAlgorithm  # noqa: PLC0415 - optional
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey  # noqa: PLC0415 - optional
        from cryptography.hazmat.primitives.serialization import load_pem_public_key  # noqa: PLC0415 - optional
    except ImportError:
        raise _missing() from None
    try:
        key = load_pem_public_key(pem)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        key = None
    if not isinstance(key, Ed25519PublicKey):
        raise InputError("not an Ed25519 public key in PEM", hint=f"make a pair: {_MAKE}")
    return key


def _missing() -> ConfigError:
    return ConfigError("signatures need the package cryptography", hint="pip install 'bizq-lab[sign]'")
