"""The prompts, as Markdown templates.

In: a template's name and its values. Out: text. A missing or an unused value is an error, so a
template and the code that fills it cannot drift apart. Text written by a model is put between
fences by the templates and capped by the caller.
"""

from __future__ import annotations

from functools import cache

from jinja2 import Environment, PackageLoader, StrictUndefined, meta

_environment = Environment(
    loader=PackageLoader("w4s", "prompts"),
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
    keep_trailing_newline=False,
    autoescape=False,  # Markdown for a model, never HTML
)


def render(name: str, **values: object) -> str:
    """The template `name`.md with its values filled in.

    Raises TypeError when a value is missing or not used by the template."""
    wanted = _names(name)
    if wanted != values.keys():
        missing, unused = sorted(wanted - values.keys()), sorted(values.keys() - wanted)
        raise TypeError(f"prompt '{name}': missing {missing}, unused {unused}")
    return _environment.get_template(f"{name}.md").render(**values)


@cache
def _names(name: str) -> frozenset[str]:
    loader = _environment.loader
    assert loader is not None
    source, _, _ = loader.get_source(_environment, f"{name}.md")
    return frozenset(meta.find_undeclared_variables(_environment.parse(source)))
