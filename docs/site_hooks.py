"""What the site needs beyond the pages of this folder; mkdocs calls the functions.

Pages of the repository that live elsewhere (the README files, the changelog) become pages of the
site.  A link that leads to a page is turned into a link within the site.  A link to a source file
becomes its text, for the site has no sources.
"""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mkdocs.config.defaults import MkDocsConfig
    from mkdocs.structure.files import Files
    from mkdocs.structure.nav import Page

ROOT = Path(__file__).resolve().parents[1]
LINK = re.compile(r"(?<!!)\[((?:[^\[\]]|\[[^\[\]]*\])*)\]\(([^()\s]+)\)")


def outside_pages() -> dict[str, str]:
    """Pages outside `docs`: from the path in the repository to the path in the site."""
    pages = {
        "README.md": "index.md",
        "CHANGELOG.md": "project/changelog.md",
        "CONTRIBUTING.md": "project/contributing.md",
        "SECURITY.md": "project/security.md",
    }
    for folder in ("plugins", "examples"):
        for path in sorted(ROOT.glob(f"{folder}/*/README.md")):
            pages[f"{folder}/{path.parent.name}/README.md"] = f"{folder}/{path.parent.name}.md"
    return pages


OUTSIDE = outside_pages()
SOURCES = {site: path for path, site in OUTSIDE.items()}


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the pages that are outside this folder."""
    from mkdocs.structure.files import File

    for path, site in OUTSIDE.items():
        files.append(File.generated(config, site, content=(ROOT / path).read_text()))
    return files


def on_page_markdown(markdown: str, page: Page, **_: Any) -> str:  # Any: mkdocs' own
    """Turn links of the repository into links of the site."""
    source = SOURCES.get(page.file.src_uri, f"docs/{page.file.src_uri}")
    return LINK.sub(lambda match: _link(match[1], match[2], source, page.file.src_uri), markdown)


def _link(text: str, target: str, source: str, uri: str) -> str:
    path, separator, anchor = target.partition("#")
    if not path or ":" in path:
        return f"[{text}]({target})"
    wanted = os.path.normpath(os.path.join(os.path.dirname(source), path))
    site = OUTSIDE.get(wanted)
    if site is None and wanted.startswith("docs/") and wanted.endswith(".md"):
        site = wanted.removeprefix("docs/")
    if site is not None:
        return f"[{text}]({os.path.relpath(site, os.path.dirname(uri))}{separator}{anchor})"
    # What does not exist stays a link: the strict build then names it.
    return text if (ROOT / wanted).exists() else f"[{text}]({target})"
