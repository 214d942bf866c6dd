"""One connection to the orders database for each request."""

import os

import psycopg2


def connect():
    return psycopg2.connect(
        host=os.environ["ORDERS_DB_HOST"],
        user=os.environ["ORDERS_DB_USER"],
        password=os.environ["ORDERS_DB_PASSWORD"],
        dbname="orders",
    )
