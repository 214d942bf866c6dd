"""How far a check has come."""

from flask import jsonify


def get_check(check_id):
    return jsonify({"id": check_id, "status": "pending"})
