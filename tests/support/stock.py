"""Controls: applications with the defaults of Flask and gunicorn, under the front's gunicorn
settings.
"""

import sys
from types import SimpleNamespace

import flask

app = flask.Flask(__name__)
# gunicorn_front asks the module of the packaged application to lock the worker.
sys.modules["dropbox.front.wsgi"] = SimpleNamespace(lock_worker=lambda: None)  # type: ignore[assignment]


@app.post("/zh-hans/report/send")
def take() -> str:
    """Reads a form as any application does: files over 500 kB go to the disk."""
    return f"{len(flask.request.files)} {len(flask.request.form)}"


@app.post("/fail")
def fail() -> str:
    """An error whose message quotes what was sent, in Flask's own log."""
    raise ValueError(flask.request.form["text"])
