"""Finds the application: ``module:attribute`` or ``module:factory(arguments)``."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterable
from types import BuiltinFunctionType, FunctionType
from typing import TYPE_CHECKING, cast

from hookserve.errors import AppImportError, AppNotFound
from hookserve.wording import did_you_mean

if TYPE_CHECKING:
    import ast

    from hookserve.types import WSGIApplication


DEFAULT_ATTRIBUTE = "application"
_MOST_NAMED = 5


def load_app(specification: str) -> WSGIApplication:
    """The WSGI callable that `specification` names.

    The attribute may be dotted, or a call with literal arguments; without one it is
    ``application``.  Raises AppNotFound when module or attribute is not there or is not
    callable, AppImportError when importing or calling it raises.
    """
    module_name, _, expression = specification.partition(":")
    check_name(specification)
    factory, args, kwargs = _parse_expression(expression or DEFAULT_ATTRIBUTE, specification)
    module = _import(module_name, specification)
    found: object = module
    for part in factory.split("."):
        if not hasattr(found, part):
            names = [name for name in dir(found) if not name.startswith("_")]
            hint = did_you_mean(part, names) or _candidates(found, names, module_name)
            raise AppNotFound(f"the module {module_name} has no attribute '{factory}'{hint}")
        found = getattr(found, part)
    if args is not None:
        found = _call_factory(found, args, kwargs, specification)
    if not callable(found):
        kind = type(found).__name__
        raise AppNotFound(f"{specification} is not callable, it is of type {kind}")
    return cast("WSGIApplication", found)


def check_name(specification: str) -> None:
    """Raise AppNotFound for what cannot name a module: the path of a file, or nothing."""
    module_name, _, expression = specification.partition(":")
    if module_name.endswith(".py") or "/" in module_name:
        directory, _, name = module_name.removesuffix(".py").rpartition("/")
        attribute = f":{expression}" if expression else ""
        remedy = f"{name}{attribute}"
        if directory not in ("", "."):
            remedy = f"--chdir {directory} {remedy}"
        raise AppNotFound(f"'{module_name}' is a path, not a module (name the module: {remedy})")
    if not all(module_name.split(".")) or "\0" in module_name:
        raise AppNotFound(
            f"'{specification}' names no module (module:attribute, for example app:application)"
        )


def _candidates(found: object, names: Iterable[str], module_name: str) -> str:
    """A phrase that names what may be the application: functions of this module, and objects that
    can be called."""
    callables = [name for name in names if _may_be_one(getattr(found, name), module_name)]
    if callables:
        return f" (it has {', '.join(callables[:_MOST_NAMED])}: name one as MODULE:NAME)"
    return " (nor any other callable: define application(environ, start_response) there)"


def _may_be_one(value: object, module_name: str) -> bool:
    if isinstance(value, FunctionType):
        return value.__module__ == module_name
    return callable(value) and not isinstance(value, (type, BuiltinFunctionType))


def _parse_expression(
    expression: str, specification: str
) -> tuple[str, list[object] | None, dict[str, object]]:
    """The dotted name, the call's positional arguments (`None`: no call), its keyword arguments."""
    if all(part.isidentifier() for part in expression.split(".")):
        return expression, None, {}
    import ast

    try:
        node = ast.parse(expression, mode="eval").body
        if not isinstance(node, ast.Call):
            return _dotted(node), None, {}
        args = [ast.literal_eval(argument) for argument in node.args]
        kwargs = {str(word.arg): ast.literal_eval(word.value) for word in node.keywords}
        return _dotted(node.func), args, kwargs
    except (SyntaxError, ValueError):
        raise AppNotFound(
            f"'{specification}' does not name an application: expected module:attribute,"
            " or module:factory(arguments) with literal arguments"
        ) from None


def _dotted(node: ast.expr) -> str:
    import ast

    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute):
        return f"{_dotted(node.value)}.{node.attr}"
    raise ValueError


def _import(module_name: str, specification: str) -> object:
    try:
        return importlib.import_module(module_name)
    except ModuleNotFoundError as error:
        if error.name and (module_name == error.name or module_name.startswith(error.name + ".")):
            raise AppNotFound(
                f"there is no module {error.name} to load {specification} from"
                f" (looked in {sys.path[0]} first; --chdir and --pythonpath change that)"
            ) from None
        raise AppImportError(_explain(f"cannot import {module_name}")) from error
    except (Exception, SystemExit) as error:  # the application may raise anything
        raise AppImportError(_explain(f"cannot import {module_name}")) from error


def _call_factory(
    factory: object, args: list[object], kwargs: dict[str, object], specification: str
) -> object:
    if not callable(factory):
        raise AppNotFound(f"{specification}: what it calls is not callable")
    try:
        return factory(*args, **kwargs)
    except (Exception, SystemExit) as error:  # the application may raise anything
        raise AppImportError(_explain(f"{specification} raised")) from error


def _explain(headline: str) -> str:
    """The exception being handled: its traceback from the application's first line on."""
    import traceback

    kind, error, trace = sys.exc_info()
    assert kind is not None
    while trace is not None and _is_ours(trace.tb_frame.f_code.co_filename):
        trace = trace.tb_next
    text = "".join(traceback.format_exception(kind, error, trace)).rstrip()
    return f"{headline}\n{text}"


def _is_ours(filename: str) -> bool:
    return (
        filename == __file__
        or filename.startswith("<frozen importlib")
        or (filename == importlib.__file__)
    )
