"""Fixtures for the tests of the models."""

import pytest

from models.consumer import LtiConsumer


@pytest.fixture
async def two_consumers(empty_database):
    """With the keys "key" and "other key", and nothing else."""
    await LtiConsumer.create(consumer_name="campus", consumer_key="key", consumer_secret="secret")
    await LtiConsumer.create(consumer_name="other campus", consumer_key="other key", consumer_secret="secret")
