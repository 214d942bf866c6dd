"""Charts with a title that the partner chooses."""

from flask import render_template_string, request


def render_chart():
    title = request.args.get("title", "Sales")
    page = "<h1>" + title + "</h1><svg id='chart'></svg>"
    return render_template_string(page)
