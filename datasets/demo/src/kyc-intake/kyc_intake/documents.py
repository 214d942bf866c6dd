"""Uploads: the scanner app sends the page image together with its own state."""

import base64
import io
import os
import pickle
import uuid

import boto3
from flask import jsonify, request
from PIL import Image

BUCKET = os.environ["KYC_ARCHIVE_BUCKET"]


def upload_document():
    body = request.get_json()
    page = Image.open(io.BytesIO(base64.b64decode(body["page"])))
    # The scanner app keeps its crop and rotation as a pickled object.
    state = pickle.loads(base64.b64decode(body["scanner_state"]))
    page = page.rotate(state["rotation"])
    out = io.BytesIO()
    page.save(out, format="PNG")
    key = f"documents/{uuid.uuid4()}.png"
    boto3.client("s3").put_object(Bucket=BUCKET, Key=key, Body=out.getvalue())
    return jsonify({"key": key}), 201
