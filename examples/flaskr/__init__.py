"""A small blog with accounts, in Flask: ``hookserve "flaskr:create_app()"``.

The database is the file that FLASKR_DATABASE names.
"""

import os
import sqlite3

from flask import (
    Blueprint,
    Flask,
    abort,
    current_app,
    flash,
    g,
    redirect,
    render_template,
    request,
    session,
    url_for,
)
from werkzeug.security import check_password_hash, generate_password_hash

SCHEMA = """
CREATE TABLE IF NOT EXISTS user (id INTEGER PRIMARY KEY, name TEXT UNIQUE NOT NULL,
                                 password TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS post (id INTEGER PRIMARY KEY, author INTEGER NOT NULL,
                                 title TEXT NOT NULL, body TEXT NOT NULL);
"""

blog = Blueprint("blog", __name__)


def create_app():
    app = Flask(__name__)
    app.config["SECRET_KEY"] = os.environ.get("FLASKR_SECRET", "development")
    app.config["DATABASE"] = os.environ.get("FLASKR_DATABASE", "flaskr.sqlite")
    connection = sqlite3.connect(app.config["DATABASE"])
    connection.executescript(SCHEMA)
    connection.close()
    app.register_blueprint(blog)
    return app


@blog.before_request
def open_database():
    g.db = sqlite3.connect(current_app.config["DATABASE"], timeout=10)
    g.db.row_factory = sqlite3.Row
    g.user = None
    if "user" in session:
        g.user = g.db.execute("SELECT * FROM user WHERE id = ?", [session["user"]]).fetchone()


@blog.teardown_request
def close_database(error):
    if "db" in g:
        g.db.close()


@blog.get("/")
def index():
    posts = g.db.execute(
        "SELECT post.*, user.name FROM post JOIN user ON user.id = author ORDER BY post.id DESC"
    ).fetchall()
    return render_template("index.html", posts=posts)


@blog.route("/register", methods=["GET", "POST"])
def register():
    if request.method == "POST":
        hashed = generate_password_hash(request.form["password"], method="pbkdf2:sha256:1000")
        try:
            with g.db:
                g.db.execute(
                    "INSERT INTO user (name, password) VALUES (?, ?)",
                    [request.form["name"], hashed],
                )
        except sqlite3.IntegrityError:
            flash("that name is taken")
        else:
            return redirect(url_for(".login"))
    return render_template("account.html", title="Register")


@blog.route("/login", methods=["GET", "POST"])
def login():
    if request.method == "POST":
        user = g.db.execute("SELECT * FROM user WHERE name = ?", [request.form["name"]]).fetchone()
        if user and check_password_hash(user["password"], request.form["password"]):
            session.clear()
            session["user"] = user["id"]
            return redirect(url_for(".index"))
        flash("wrong name or password")
    return render_template("account.html", title="Log in")


@blog.get("/logout")
def logout():
    session.clear()
    return redirect(url_for(".index"))


@blog.route("/write", defaults={"number": None}, methods=["GET", "POST"])
@blog.route("/write/<int:number>", methods=["GET", "POST"])
def write(number):
    if g.user is None:
        return redirect(url_for(".login"))
    post = own_post(number) if number is not None else None
    if request.method == "POST":
        save(number, request.form["title"], request.form["body"])
        return redirect(url_for(".index"))
    return render_template("write.html", post=post)


@blog.post("/delete/<int:number>")
def delete(number):
    own_post(number)
    with g.db:
        g.db.execute("DELETE FROM post WHERE id = ?", [number])
    return redirect(url_for(".index"))


def own_post(number):
    post = g.db.execute("SELECT * FROM post WHERE id = ?", [number]).fetchone()
    if post is None:
        abort(404)
    if g.user is None or post["author"] != g.user["id"]:
        abort(403)
    return post


def save(number, title, body):
    with g.db:
        if number is None:
            g.db.execute(
                "INSERT INTO post (title, body, author) VALUES (?, ?, ?)",
                [title, body, g.user["id"]],
            )
        else:
            g.db.execute("UPDATE post SET title = ?, body = ? WHERE id = ?", [title, body, number])
