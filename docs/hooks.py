"""Takes Mermaid from the npm package, so that the site shows its diagrams without a network."""

from pathlib import Path

from mkdocs.exceptions import PluginError
from mkdocs.structure.files import File

MERMAID = Path(__file__).resolve().parent.parent / "node_modules" / "mermaid" / "dist" / "mermaid.min.js"


def on_files(files, config):
    if not MERMAID.is_file():
        raise PluginError(f"{MERMAID} is missing: run `npm ci`, or `make docs`, which does")
    files.append(File.generated(config, "assets/mermaid.min.js", abs_src_path=str(MERMAID)))
    return files
