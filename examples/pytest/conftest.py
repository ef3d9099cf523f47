"""Connections to what `holdfast test` found; a test that asks for one which was skipped is skipped, with the reason."""

import os
import uuid

import psycopg
import pytest
import redis as redis_py


def address(variable, target):
    if os.environ.get(f"HOLDFAST_TARGET_{target}") == "skip":
        pytest.skip(os.environ[f"HOLDFAST_TARGET_{target}_REASON"])
    if variable not in os.environ:
        pytest.fail(f"{variable} is not set; run: holdfast test -- python3 -m pytest", pytrace=False)
    return os.environ[variable]


@pytest.fixture(scope="session")
def database():
    """One connection for the run, with the tables that it needs, which nobody else sees."""
    with psycopg.connect(address("DATABASE_URL", "POSTGRES")) as connection:
        connection.execute("CREATE TEMPORARY TABLE account (name text PRIMARY KEY, balance int CHECK (balance >= 0))")
        connection.commit()
        yield connection


@pytest.fixture
def postgres(database):
    """A test's own transaction, rolled back after it."""
    yield database
    database.rollback()


@pytest.fixture
def redis():
    """A test's own prefix in the keys, removed after it."""
    client = redis_py.Redis.from_url(address("REDIS_URL", "REDIS"), decode_responses=True)
    client.prefix = f"test:{uuid.uuid4()}:"
    yield client
    for key in client.scan_iter(f"{client.prefix}*"):
        client.delete(key)
    client.close()


def pytest_report_header():
    names = ["POSTGRES", "REDIS"]
    decisions = {name: os.environ.get(f"HOLDFAST_TARGET_{name}", "not asked for") for name in names}
    return [f"{name.lower()}: {decision}" for name, decision in decisions.items()]
