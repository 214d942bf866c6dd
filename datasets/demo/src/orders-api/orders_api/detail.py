"""One order."""

from flask import jsonify

from orders_api.database import connect


def get_order(order_id):
    with connect() as connection, connection.cursor() as cursor:
        cursor.execute("SELECT id, total, status FROM orders WHERE id = %s", (order_id,))
        row = cursor.fetchone()
    if row is None:
        return jsonify({"error": "no such order"}), 404
    return jsonify({"id": row[0], "total": row[1], "status": row[2]})
