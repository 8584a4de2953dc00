"""The reference of public names, made of the source without importing it.

Each name has a meaning: its docstring, or that of the name which it overrides.
"""

from __future__ import annotations

import ast
import inspect
import tomllib
from collections.abc import Iterator
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PUBLIC = tomllib.loads((Path(__file__).parent / "reference" / "public.toml").read_text())
INTRODUCTION = """# Public names

What code outside hookserve may import and rely on. A name that is not here is private: its
module is not listed, or it begins with an underscore. Private names change without notice;
[versions](../project/versioning.md) says how public ones change. The column *since* names the
version in which a name became public.
"""

CONSTRUCTOR = "The constructor."

Node = ast.FunctionDef | ast.AsyncFunctionDef


def api_page() -> str:
    """The page: the modules, then each with its public names."""
    lines = [INTRODUCTION, "| module | for |\n|---|---|"]
    for module in PUBLIC["modules"]:
        anchor = module["name"].replace(".", "")
        lines.append(f"| [`{module['name']}`](#{anchor}) | {module['use']} |")
    for module in PUBLIC["modules"]:
        lines.append(f"\n## {module['name']}\n")
        lines.extend(_module(module["name"], module["since"], "elsewhere" in module))
    return "\n".join(lines) + "\n"


def _module(name: str, since: str, elsewhere: bool) -> Iterator[str]:
    tree = _tree(name)
    yield f"{_summary(ast.get_docstring(tree))}\n"
    if elsewhere:
        return
    reexported = list(_reexports(tree))
    if reexported:
        yield "Import from here: " + ", ".join(f"`{each}`" for each in reexported) + ".\n"
    rows = []
    for node, text in _documented(tree.body):
        if isinstance(node, ast.ClassDef):
            yield from _class(node, name, since)
        elif isinstance(node, Node):
            rows.append(_row(_signature(node), text, _since(f"{name}:{node.name}", since)))
        else:
            text = text or _aliased(node)
            rows.append(_row(_target(node), text, _since(f"{name}:{_target(node)}", since)))
    if rows:
        yield "| name | meaning | since |\n|---|---|---|"
        yield from rows
        yield ""


def _class(node: ast.ClassDef, module: str, since: str) -> Iterator[str]:
    bases = ", ".join(ast.unparse(base) for base in node.bases)
    yield f"### {node.name}\n"
    came = _since(f"{module}:{node.name}", since)
    yield f"`class {node.name}({bases})`, since {came}. {_summary(ast.get_docstring(node))}\n"
    rows = []
    for member, text in _documented(node.body):
        if isinstance(member, ast.ClassDef):
            continue
        if isinstance(member, Node):
            name, shown = member.name, _signature(member)
            text = text or (CONSTRUCTOR if name == "__init__" else "")
        else:
            name = _target(member)
            shown = _field(member)
        text = text or _inherited(node, name)
        rows.append(_row(shown, text, _since(f"{module}:{node.name}.{name}", since)))
    if rows:
        yield "| name | meaning | since |\n|---|---|---|"
        yield from rows
        yield ""


def _aliased(node: ast.stmt) -> str:
    """The meaning of another name for what a module of the standard library has."""
    if isinstance(node, ast.Assign) and isinstance(node.value, ast.Attribute):
        return f"As `{ast.unparse(node.value)}`."
    return ""


@cache
def _classes() -> dict[str, ast.ClassDef]:
    """The classes of the public modules, by name."""
    found = (node for module in PUBLIC["modules"] for node in _tree(module["name"]).body)
    return {node.name: node for node in found if isinstance(node, ast.ClassDef)}


def _inherited(node: ast.ClassDef, name: str) -> str:
    """The meaning that a public base class gives to a name; empty: none does."""
    for base in node.bases:
        parent = _classes().get(ast.unparse(base))
        if parent is None:
            continue
        for member, text in _documented(parent.body):
            if text and name == (getattr(member, "name", None) or _target(member)):
                return text
        text = _inherited(parent, name)
        if text:
            return text
    return ""


def _tree(module: str) -> ast.Module:
    parts = module.split(".")
    plugin = ROOT / "plugins" / parts[0].removeprefix("hookserve_")
    path = (plugin if plugin.is_dir() else ROOT).joinpath(*parts)
    source = path / "__init__.py" if path.is_dir() else path.with_suffix(".py")
    return ast.parse(source.read_text())


def _reexports(tree: ast.Module) -> list[str]:
    for node in tree.body:
        if isinstance(node, ast.Assign) and _target(node) == "__all__":
            return [name for name in ast.literal_eval(node.value) if not name.startswith("_")]
    return []


def _documented(body: list[ast.stmt]) -> Iterator[tuple[ast.stmt, str]]:
    """The public statements of a body, each with its description."""
    for node, after in zip(body, [*body[1:], None], strict=True):
        if isinstance(node, ast.ClassDef | Node):
            if _is_setter(node):  # its property is shown
                continue
            if not node.name.startswith("_") or node.name == "__init__":
                yield node, _summary(ast.get_docstring(node))
        elif isinstance(node, ast.Assign | ast.AnnAssign) and not _is_private(node):
            yield node, _summary(_literal(after))


def _is_private(node: ast.Assign | ast.AnnAssign) -> bool:
    """Whether its name says so, or it is a parameter of types."""
    is_parameter = isinstance(node.value, ast.Call) and ast.unparse(node.value.func) in (
        "TypeVar",
        "ParamSpec",
    )
    return is_parameter or _target(node).lstrip("(").startswith("_")


def _is_setter(node: ast.ClassDef | Node) -> bool:
    return any(ast.unparse(each) == f"{node.name}.setter" for each in node.decorator_list)


def _literal(node: ast.stmt | None) -> str | None:
    if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
        return node.value.value if isinstance(node.value.value, str) else None
    return None


def _target(node: ast.stmt) -> str:
    target = node.targets[0] if isinstance(node, ast.Assign) else getattr(node, "target", None)
    return ast.unparse(target) if target is not None else ""


def _field(node: ast.stmt) -> str:
    if isinstance(node, ast.AnnAssign):
        default = f" = {ast.unparse(node.value)}" if node.value is not None else ""
        return f"{_target(node)}: {ast.unparse(node.annotation)}{default}"
    return f"{_target(node)} = {ast.unparse(node.value)}" if isinstance(node, ast.Assign) else ""


def _signature(node: Node) -> str:
    """As it is written, without `self` and without quotes around the types."""
    decorators = {ast.unparse(each) for each in node.decorator_list}
    if "property" in decorators:
        return f"{node.name}: {ast.unparse(node.returns)}" if node.returns else node.name
    arguments = ast.unparse(node.args)
    for receiver in ("self, ", "self", "cls, ", "cls"):
        if arguments.startswith(receiver):
            arguments = arguments.removeprefix(receiver)
            break
    result = f" -> {ast.unparse(node.returns)}" if node.returns else ""
    abstract = "abstract " if "abstractmethod" in decorators else ""
    return f"{abstract}{node.name}({arguments}){'' if node.name == '__init__' else result}"


def _summary(docstring: str | None) -> str:
    """The first paragraph in one line."""
    text = inspect.cleandoc(docstring or "").partition("\n\n")[0]
    return " ".join(text.split()).replace("``", "`")


def _row(shown: str, text: str, since: str) -> str:
    if not text:
        raise ValueError(f"{shown} is public and has no docstring")
    safe = shown.replace("|", "\\|")
    return f"| `{safe}` | {text.replace('|', chr(92) + '|')} | {since} |"


def _since(name: str, default: str) -> str:
    return str(PUBLIC["later"].get(name, default))
