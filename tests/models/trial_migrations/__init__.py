"""Steps that a later release might take, good and bad, for :mod:`tests.models.test_upgrade`."""
