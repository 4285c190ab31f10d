"""A signature says who wrote a config; any other byte, key or hand is refused."""

from __future__ import annotations

from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from bizq_lab.config import Reader, load_config, parse_config, save_config
from bizq_lab.config.canonical import file_bytes
from bizq_lab.config.signing import sign_config, verify_signature
from bizq_lab.errors import InputError, InvalidRoutingConfig
from tests.support.keys import PRIVATE, PUBLIC, pair
from tests.support.targets import TYPE, routing


def test_a_signed_config_verifies_after_a_round_trip_and_keeps_what_it_says(tmp_path: Path) -> None:
    signed = sign_config(routing(), PRIVATE)
    loaded = load_config(save_config(signed, tmp_path / "routing.json"))
    verify_signature(loaded, PUBLIC)
    assert loaded == signed
    assert loaded.tasks == routing().tasks
    assert PRIVATE.splitlines()[1] not in file_bytes(signed)


def test_signing_again_with_the_same_key_gives_the_same_bytes() -> None:
    once = sign_config(routing(), PRIVATE)
    assert file_bytes(sign_config(once, PRIVATE)) == file_bytes(once)
    assert sign_config(once, pair(2)[0]) == sign_config(routing(), pair(2)[0])


def test_any_flipped_byte_of_a_signed_file_is_refused() -> None:
    raw = file_bytes(sign_config(routing(), PRIVATE))
    for place in range(len(raw)):
        broken = bytearray(raw)
        broken[place] ^= 0x01
        with pytest.raises(InvalidRoutingConfig):
            parse_config(bytes(broken))


def test_whoever_recomputes_the_checksum_still_lacks_the_signature() -> None:
    """The checksum is for accidents; the signature is for hands."""
    signed = sign_config(routing(), PRIVATE)
    forged = routing().with_weights(TYPE, {"terra": 100}).with_signature(signed.signature)
    assert parse_config(file_bytes(forged)) == forged
    with pytest.raises(InvalidRoutingConfig, match="does not hold"):
        verify_signature(forged, PUBLIC)


def test_an_unsigned_config_and_another_s_signature_are_refused() -> None:
    with pytest.raises(InvalidRoutingConfig, match="not signed"):
        verify_signature(routing(), PUBLIC)
    with pytest.raises(InvalidRoutingConfig, match="signed with key"):
        verify_signature(sign_config(routing(), PRIVATE), pair(2)[1])


def test_the_next_version_of_a_signed_config_is_not_signed() -> None:
    signed = sign_config(routing(), PRIVATE)
    assert signed.with_weights(TYPE, {"luna": 100}).signature is None


def test_what_is_no_key_is_one_clear_error_that_does_not_show_it() -> None:
    other = generate_private_key(SECP256R1())
    wrong = other.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    for pem in (b"", b"hush", wrong, PUBLIC):
        with pytest.raises(InputError, match="Ed25519") as caught:
            sign_config(routing(), pem)
        assert "hush" not in str(caught.value)
    for pem in (b"", b"hush", PRIVATE):
        with pytest.raises(InputError, match="Ed25519"):
            verify_signature(sign_config(routing(), PRIVATE), pem)


def test_a_reader_with_a_key_takes_up_only_what_was_signed_with_it(tmp_path: Path) -> None:
    path = save_config(sign_config(routing(), PRIVATE), tmp_path / "routing.json")
    reader = Reader(path, poll_s=0.0, public_key=PUBLIC)
    good = reader.config
    later = routing().with_weights(TYPE, {"terra": 100})
    for config, says in ((later, "not signed"), (sign_config(later, pair(2)[0]), "signed with key")):
        save_config(config, path)
        reader.refresh()
        assert reader.config == good
        assert says in reader.problem
    save_config(sign_config(later, PRIVATE), path)
    assert reader.refresh()
    assert reader.pick(TYPE, "ws_1").arm == "terra"
    with pytest.raises(InvalidRoutingConfig, match="not signed"):
        Reader(save_config(later, path), public_key=PUBLIC)
