"""Secrets at rest."""

import pytest

from models.encryption import ENCRYPTED, PLAINTEXT, Cipher, UndecryptableError, new_key

OLD, NEW, OTHER = new_key(), new_key(), new_key()
SECRET = " a sécret & more "


def test_an_encrypted_secret_shows_nothing_and_is_decrypted_by_its_key():
    stored = Cipher([NEW]).encrypt(SECRET)
    assert stored.startswith(ENCRYPTED)
    assert "cret" not in stored
    assert Cipher([NEW]).decrypt(stored) == SECRET
    assert Cipher([NEW]).encrypt(SECRET) != stored, "equal secrets are stored differently"


def test_the_newest_key_encrypts_and_all_decrypt():
    by_old = Cipher([OLD]).encrypt(SECRET)
    both = Cipher([NEW, OLD])
    assert both.decrypt(by_old) == both.decrypt(both.encrypt(SECRET)) == SECRET
    assert Cipher([NEW]).decrypt(both.encrypt(SECRET)) == SECRET


@pytest.mark.parametrize(("keys", "cut"), [([], None), ([OTHER], None), ([OLD], -6)])
def test_without_its_key_or_once_changed_nothing_is_decrypted(keys, cut):
    stored = Cipher([OLD]).encrypt(SECRET)
    with pytest.raises(UndecryptableError):
        Cipher(keys).decrypt(stored if cut is None else stored[:cut] + "AAAAAA")


def test_what_was_stored_without_a_key_is_decrypted_by_any_cipher():
    assert PLAINTEXT.encrypt(SECRET) == SECRET
    assert PLAINTEXT.decrypt(SECRET) == Cipher([NEW]).decrypt(SECRET) == SECRET


def test_what_is_not_encrypted_with_the_newest_key_is_not_current():
    both = Cipher([NEW, OLD])
    assert both.is_current(both.encrypt(SECRET))
    assert not both.is_current(Cipher([OLD]).encrypt(SECRET))
    assert not both.is_current(SECRET)
    assert PLAINTEXT.is_current(SECRET)
    assert not PLAINTEXT.is_current(both.encrypt(SECRET))


@pytest.mark.parametrize(
    "key", ["", "short", OLD[:-4] + "****", "a" * 88, "ünï"], ids=["none", "short", "signs", "long", "no-ascii"]
)
def test_an_invalid_key_is_named_by_its_number_and_not_quoted(key):
    with pytest.raises(ValueError, match=r"^key 2 is none: `passbackd secrets key` makes one$"):
        Cipher([NEW, key])
