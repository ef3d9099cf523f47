"""One try each, at once: what a test suite does right after the gate."""

import os
import socket

import psycopg
import redis


def test_both_names_resolve():
    for name in ("db", "redis"):
        assert socket.gethostbyname(name)


def test_postgres_answers_at_the_first_try():
    with psycopg.connect(os.environ["DATABASE_URL"], connect_timeout=1) as connection:
        assert connection.execute("SELECT count(*) FROM seeds").fetchone() == (3,)


def test_redis_answers_at_the_first_try():
    assert redis.Redis.from_url(os.environ["REDIS_URL"], socket_connect_timeout=1).ping()
