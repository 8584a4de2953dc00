"""A page of Flask: routing, a request context, a template."""

from flask import Flask, render_template

from benchmarks.application import ENTRIES, TEMPLATE

application = Flask(__name__)
_template = application.jinja_env.from_string(TEMPLATE)


@application.get("/")
def entries():
    return render_template(_template, entries=ENTRIES)
