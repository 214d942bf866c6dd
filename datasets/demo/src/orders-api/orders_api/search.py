"""Finds an order by the buyer's name; guests have no account to look it up with."""

from flask import jsonify, request

from orders_api.database import connect


def search_orders():
    term = request.args.get("q", "")
    sql = (
        "SELECT id, total, status FROM orders "
        "WHERE buyer_name ILIKE '%" + term + "%' ORDER BY created_at DESC LIMIT 50"
    )
    with connect() as connection, connection.cursor() as cursor:
        cursor.execute(sql)
        rows = cursor.fetchall()
    return jsonify([{"id": row[0], "total": row[1], "status": row[2]} for row in rows])
