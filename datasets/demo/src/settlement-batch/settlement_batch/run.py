"""Writes the settlement file of one day."""

import csv
import datetime
import io
import os

import boto3


def main():
    day = datetime.date.today().isoformat()
    out = io.StringIO()
    csv.writer(out).writerow(["day", "merchant", "amount", "currency"])
    boto3.client("s3").put_object(
        Bucket=os.environ["SETTLEMENT_BUCKET"],
        Key=f"settlements/{day}.csv",
        Body=out.getvalue().encode(),
    )


if __name__ == "__main__":
    main()
