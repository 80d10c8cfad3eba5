"""Write docs/params.md, the reference of params.yaml, from the pydantic models (`python -m scripts.params_reference`).

Each section gets one table with the keys, the values they may have, and the descriptions of their fields.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from codetune.cli.sections import SECTIONS
from codetune.core.config import Section
from codetune.core.files import write_text
from codetune.core.markdown import escaped, table

ROOT = Path(__file__).parent.parent
REFERENCE = ROOT / "docs/params.md"
_INTRODUCTION = """# Reference of params.yaml

<!-- Written by `make docs` from the pydantic models; do not edit. -->

`params.yaml` has one section for each topic. This page lists every key, the values it may have, and what it does.
The values in use are in `params.yaml` itself. A key with a default may be left out; every other key is required.
`make check` validates the whole file and reports all mistakes at once.

Change one value for one experiment with `dvc exp run -S SECTION.KEY=VALUE`, for example
`dvc exp run -S train.lora.rank=4`.
"""
_LIMITS = (("minimum", "≥ "), ("exclusiveMinimum", "> "), ("maximum", "≤ "), ("exclusiveMaximum", "< "))
_TYPES = {"integer": "integer", "number": "number", "string": "text", "boolean": "`true`, `false`", "null": "`null`"}
Schema = dict[str, Any]


def _resolved(schema: Schema, definitions: Schema) -> Schema:
    """Return the schema that a `$ref` points to, or the schema itself."""
    name = schema.get("$ref", "").rpartition("/")[2]
    return definitions[name] if name else schema


def allowed_values(schema: Schema) -> str:
    """Return the values that a JSON schema allows, in words: `integer, ≥ 1`, or the choices."""
    if "anyOf" in schema:
        return " or ".join(allowed_values(part) for part in schema["anyOf"])
    if choices := schema.get("enum", [schema["const"]] if "const" in schema else []):
        return ", ".join(f"`{choice}`" for choice in choices)
    if schema["type"] == "array":
        return f"list of {allowed_values(schema['items'])}"
    if schema["type"] == "object":
        return f"mapping of names to {allowed_values(schema['additionalProperties'])}"
    limits = [f"{sign}{schema[key]:g}" for key, sign in _LIMITS if key in schema]
    return ", ".join([_TYPES[schema["type"]], *limits])


def _values(field: Schema) -> str:
    """Return the text of the column `values`: the allowed values, or a note that the key has its own table."""
    if "discriminator" in field.get("items", {}):
        return "list of mappings, see below"
    if any("$ref" in part for part in field.get("anyOf", [])):
        return "mapping, see below, or `null`"
    return allowed_values(field)


def _default(schema: Schema) -> str:
    """Return the default of a key as YAML shows it; empty for a required key."""
    if "default" not in schema:
        return ""
    value = schema["default"]
    return "`null`" if value is None else f"`{str(value).lower() if isinstance(value, bool) else value}`"


def _rows(schema: Schema, definitions: Schema, prefix: str = "") -> Iterator[list[str]]:
    """Yield one row of the table for each key; keys of nested mappings have their whole path."""
    for name, field in schema["properties"].items():
        inner = _resolved(field, definitions)
        if "properties" in inner:
            yield from _rows(inner, definitions, f"{prefix}{name}.")
        else:
            yield [f"`{prefix}{name}`", _values(field), _default(field), escaped(field.get("description", ""))]


def _parts(schema: Schema, definitions: Schema) -> Iterator[tuple[str, Schema]]:
    """Yield title and schema of each part with its own table: list members by type, and optional mappings."""
    for name, field in schema["properties"].items():
        tagged = field.get("items", {}).get("discriminator", {}).get("mapping", {})
        for tag, reference in tagged.items():
            member = _resolved({"$ref": reference}, definitions)
            yield f"`{name}` of type `{tag}`", member
            yield from _parts(member, definitions)
        for part in field.get("anyOf", []):
            if "$ref" in part:
                yield f"`{name}` of a source", _resolved(part, definitions)


def _table(schema: Schema, definitions: Schema) -> str:
    return table(["key", "values", "default", "meaning"], list(_rows(schema, definitions)))


def section_reference(section: type[Section]) -> str:
    """Return the part of the page that describes one section of params.yaml."""
    schema = section.model_json_schema()
    definitions = schema.get("$defs", {})
    texts = [f"## {section.section}", schema["description"], _table(schema, definitions)]
    seen: set[str] = set()
    for title, part in _parts(schema, definitions):
        if title not in seen:
            texts += [f"### {title}", part["description"], _table(part, definitions)]
        seen.add(title)
    return "\n\n".join(texts) + "\n"


def reference() -> str:
    """Return the text of the whole page."""
    return "\n".join([_INTRODUCTION, *map(section_reference, SECTIONS)])


def main() -> None:
    """Write docs/params.md."""
    write_text(REFERENCE, reference())


if __name__ == "__main__":
    main()
