#!/usr/bin/env python3
"""Turns the YAML of api/ into the JSON that is served: openapi_to_json.py IN.yaml OUT.json

Refuses what would make a broken document: duplicate keys, references to nothing, operations without an id.
"""

import json
import sys

import yaml


class Loader(yaml.SafeLoader):
    """YAML as JSON people mean it: no dates, no `on`/`off` booleans, no key twice."""


Loader.yaml_implicit_resolvers = {
    letter: [(tag, pattern) for tag, pattern in resolvers if tag != "tag:yaml.org,2002:timestamp"]
    for letter, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}


def mapping(loader, node):
    keys = [loader.construct_object(key) for key, _ in node.value]
    for key in keys:
        if keys.count(key) > 1:
            raise yaml.constructor.ConstructorError(None, None, f"key {key!r} twice", node.start_mark)
        if not isinstance(key, str):
            raise yaml.constructor.ConstructorError(
                None, None, f"key {key!r} must be quoted", node.start_mark
            )
    return {
        loader.construct_object(key): loader.construct_object(value, deep=True) for key, value in node.value
    }


Loader.add_constructor(yaml.resolver.BaseResolver.DEFAULT_MAPPING_TAG, mapping)


def references(node):
    if isinstance(node, dict):
        if isinstance(node.get("$ref"), str):
            yield node["$ref"]
        for value in node.values():
            yield from references(value)
    elif isinstance(node, list):
        for value in node:
            yield from references(value)


def find(document, reference):
    node = document
    for part in reference.removeprefix("#/").split("/"):
        node = node[part.replace("~1", "/").replace("~0", "~")]
    return node


def check(document):
    for reference in references(document):
        try:
            find(document, reference)
        except KeyError:
            sys.exit(f"openapi_to_json: {reference} names nothing")
    ids = set()
    for path, item in document.get("paths", {}).items():  # Events have channels instead.
        for method, operation in item.items():
            if method == "parameters":
                continue
            name = operation.get("operationId")
            if not name or name in ids:
                sys.exit(f"openapi_to_json: {method.upper()} {path}: operationId missing or used twice")
            ids.add(name)


def main():
    if len(sys.argv) != 3:
        sys.exit(__doc__.splitlines()[0])
    with open(sys.argv[1], encoding="utf-8") as source:
        document = yaml.load(source, Loader=Loader)
    check(document)
    with open(sys.argv[2], "w", encoding="utf-8") as target:
        json.dump(document, target, ensure_ascii=False, separators=(",", ":"))
        target.write("\n")


if __name__ == "__main__":
    main()
