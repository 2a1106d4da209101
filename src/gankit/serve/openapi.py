"""What a server of models can be asked, in the words of OpenAPI 3.1.

Knows models and limits; never how anything is answered.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gankit import __version__
from gankit.kinds import options_by_kind
from gankit.model.model import Model
from gankit.options import Option, options_of
from gankit.serve.asked import Limits

_TYPES = {str: "string", int: "integer", float: "number", bool: "boolean"}


def described(models: Mapping[str, Model], limits: Limits) -> dict[str, Any]:
    """The document for these models."""
    ways: dict[str, Any] = {
        "/live": {"get": _told("live", "Whether the process answers.", "Status")},
        "/ready": {"get": _told("ready", "Whether requests can be sent.", "Status", {"503": _error_of("Not now.")})},
        "/metrics": {
            "get": {
                "operationId": "metrics",
                "summary": "Figures for Prometheus.",
                "responses": {
                    "200": {"description": "Figures.", "content": {"text/plain": {"schema": {"type": "string"}}}}
                },
            }
        },
        "/openapi.json": {"get": _told("openapi", "This document.", "Object")},
        "/v1/models": {"get": _told("models", "Every model.", "Object")},
    }
    for name, model in models.items():
        own = f"/v1/models/{name}"
        ways[own] = {"get": _told(f"about_{name}", f"The model {name}.", "Object")}
        ways[f"{own}/schema"] = {"get": _told(f"schema_{name}", "Its columns.", "Object")}
        ways[f"{own}/card"] = {"get": _told(f"card_{name}", "How it came about.", "Object")}
        ways[f"{own}/sample"] = {"post": _sample(name, model, limits)}
    return {
        "openapi": "3.1.0",
        "info": {"title": "gankit", "version": __version__, "description": "Samples of trained models."},
        "paths": ways,
        "components": {
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
            "schemas": {
                "Object": {"type": "object"},
                "Status": {"type": "object", "required": ["status"], "properties": {"status": {"type": "string"}}},
                "Error": {"type": "object", "required": ["error"], "properties": {"error": {"type": "string"}}},
            },
        },
    }


def _sample(name: str, model: Model, limits: Limits) -> dict[str, Any]:
    far = 2**62 - 1
    conditions = [c.name for c in model.of.conditions(model)]
    fields: dict[str, Any] = {
        "n": {"type": "integer", "minimum": 0, "maximum": limits.rows, "description": "How many."},
        "seed": {
            "type": "integer",
            "minimum": -far,
            "maximum": far,
            "default": 0,
            "description": "Which: row i of a seed never changes.",
        },
        "offset": {
            "type": "integer",
            "minimum": 0,
            "maximum": far,
            "default": 0,
            "description": "The number of the first.",
        },
        "where": {
            "type": ["object", "null"],
            "description": f"What every one satisfies, by name: {', '.join(conditions) or 'nothing can be asked for'}.",
        },
        "format": {"type": "string", "enum": [*model.of.formats], "default": model.of.stream_format(model.origin)},
    }
    for option in options_of(options_by_kind("sample")[model.kind]):
        fields[option.name] = _option(option)
    body = {"type": "object", "required": ["n"], "additionalProperties": False, "properties": fields}
    binary = {"schema": {"type": "string", "format": "binary"}}
    content = {form.media_type: binary for form in model.of.formats.values()}
    refused = {
        "400": "The body is no JSON.",
        "408": "The body did not come in time.",
        "413": "The body is too long.",
        "415": "The body is not said to be JSON.",
        "422": "This cannot be asked for; the sentence says why.",
        "429": "Too many requests wait.",
        "503": "It took too long.",
    }
    return {
        "operationId": f"sample_{name}",
        "summary": f"Samples of {name}, {model.of.noun.many}.",
        "requestBody": {"required": True, "content": {"application/json": {"schema": body}}},
        "responses": {
            "200": {"description": "The samples; the same seed and offset give the same bytes.", "content": content},
            **{status: _error_of(text) for status, text in refused.items()},
        },
    }


def _option(option: Option) -> dict[str, Any]:
    kind: dict[str, Any] = {"type": _TYPES[option.scalar], "description": option.help}
    return {**kind, "enum": list(option.choices)} if option.choices else kind


def _told(name: str, text: str, what: str, more: Mapping[str, Any] | None = None) -> dict[str, Any]:
    schema = {"schema": {"$ref": f"#/components/schemas/{what}"}}
    found = {"200": {"description": text, "content": {"application/json": schema}}}
    return {"operationId": name, "summary": text, "responses": {**found, **(more or {})}}


def _error_of(text: str) -> dict[str, Any]:
    schema = {"schema": {"$ref": "#/components/schemas/Error"}}
    return {"description": text, "content": {"application/json": schema}}
