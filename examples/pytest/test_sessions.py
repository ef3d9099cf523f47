"""Redis by a fixture that skips, and both services in one test."""

import os

import pytest


def test_a_session_ends_by_itself(redis):
    redis.set(f"{redis.prefix}ada", "logged in", ex=60)
    assert 0 < redis.ttl(f"{redis.prefix}ada") <= 60


def test_a_counter_counts(redis):
    assert [redis.incr(f"{redis.prefix}visits") for _ in range(3)] == [1, 2, 3]


def test_a_balance_is_cached(postgres, redis):
    postgres.execute("INSERT INTO account VALUES ('ada', 100)")
    redis.hset(f"{redis.prefix}balances", "ada", postgres.execute("SELECT balance FROM account").fetchone()[0])
    assert redis.hget(f"{redis.prefix}balances", "ada") == "100"


@pytest.mark.skipif(os.environ.get("HOLDFAST_TARGET_REDIS") != "real", reason="only the real Redis is configured")
def test_the_real_server_remembers_its_settings(redis):
    assert redis.info("server")["tcp_port"] > 0
