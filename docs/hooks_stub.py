"""Writes ``hookserve/hooks.pyi``: a marker for each hook, which a type checker compares with it.

An implementation may ask for some of a hook's arguments only (pluggy).  So a marker takes a union
of protocols, one for each choice of arguments, by keyword alone: their order is free, and `self` of
a method is one more that may be there.
"""

from __future__ import annotations

import ast
import inspect
import sys
from collections.abc import Collection, Iterator
from itertools import combinations
from types import ModuleType

from hookserve.hookspecs import Hooks

HEAD = '''"""Typed markers, one for each hook; written by `make docs` from the specifications."""

from collections.abc import Generator
from typing import Any, Generic, Literal, TypeVar, overload
from typing import Protocol as _Protocol
'''
_OWN = frozenset({"__future__", "hookserve.hookmarkers", "hookserve.workerspecs", "typing"})
_MARKER = """
_{name} = TypeVar("_{name}", bound={plain})
_{name}_wrapper = TypeVar("_{name}_wrapper", bound={wrapper})
@overload
def {name}(function: _{name}, /) -> _{name}: ...
@overload
def {name}(
    *, tryfirst: bool = ..., trylast: bool = ..., optionalhook: bool = ...
) -> Callable[[_{name}], _{name}]: ...
@overload
def {name}(
    *, wrapper: Literal[True], tryfirst: bool = ..., trylast: bool = ...
) -> Callable[[_{name}_wrapper], _{name}_wrapper]: ...
"""
Argument = tuple[str, str]
"""A name and its annotation."""


def hooks_stub() -> str:
    """The text of the stub."""
    groups = [each for each in Hooks.__mro__ if each.__module__.startswith("hookserve.")]
    modules = [sys.modules[name] for name in dict.fromkeys(each.__module__ for each in groups)]
    protocols: dict[tuple[Argument, ...], str] = {}
    markers = [
        _marker(function, protocols) for module in modules for function in _specifications(module)
    ]
    imports = sorted({text for module in modules for text in _imports(module)})
    aliases = sorted({text for module in modules for text in _aliases(module)})
    names = [each.partition(" = ")[0] for each in aliases]
    assert len(names) == len(set(names)), f"two aliases have one name: {names}"
    return "\n".join(
        [
            HEAD,
            *imports,
            "",
            *aliases,
            "\n_Result = TypeVar('_Result', covariant=True)\n",
            *(_protocol(name, arguments) for arguments, name in protocols.items()),
            *markers,
        ]
    )


def _specifications(module: ModuleType) -> Iterator[ast.FunctionDef]:
    for node in ast.walk(ast.parse(inspect.getsource(module))):
        if isinstance(node, ast.FunctionDef) and "hookspec" in ast.unparse(node.decorator_list[0]):
            yield node


def _imports(module: ModuleType) -> Iterator[str]:
    """What annotations need."""
    for node in ast.walk(ast.parse(inspect.getsource(module))):
        if isinstance(node, ast.Import) or (
            isinstance(node, ast.ImportFrom) and node.module not in _OWN
        ):
            yield ast.unparse(node)


def _aliases(module: ModuleType) -> Iterator[str]:
    """The names that the module gives to long annotations."""
    for node in ast.parse(inspect.getsource(module)).body:
        if isinstance(node, ast.If):
            yield from (ast.unparse(each) for each in node.body if isinstance(each, ast.Assign))


def _marker(function: ast.FunctionDef, protocols: dict[tuple[Argument, ...], str]) -> str:
    arguments = [
        (each.arg, ast.unparse(each.annotation) if each.annotation is not None else "Any")
        for each in function.args.args
    ]
    assert function.returns is not None
    names = []
    for size in range(len(arguments) + 1):
        for chosen in combinations(arguments, size):
            names.append(protocols.setdefault(chosen, _name_of(chosen, protocols.values())))
    result = ast.unparse(function.returns)
    return _MARKER.format(
        name=function.name,
        plain=_union(names, result),
        wrapper=_union(names, "Generator[None, Any, Any]"),
    )


def _name_of(arguments: tuple[Argument, ...], taken: Collection[str]) -> str:
    """A name that messages can have; arguments of one name may have several types."""
    name = "_".join(["_takes", *(each for each, _ in arguments)])
    others = sum(each.rstrip("0123456789") == name for each in taken)
    return f"{name}{others + 1}" if others else name


def _union(names: list[str], result: str) -> str:
    return " | ".join(f"{name}[{result}]" for name in names)


def _protocol(name: str, arguments: tuple[Argument, ...]) -> str:
    # The first parameter of the protocol's own method must not be in the way of `self`.
    taken = "".join(f", {each}: {annotation}" for each, annotation in arguments)
    star = ", *" if arguments else ""
    return (
        f"class {name}(_Protocol, Generic[_Result]):\n"
        f"    def __call__(own{star}{taken}) -> _Result: ...\n"
    )
