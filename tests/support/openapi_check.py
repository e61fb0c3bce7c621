"""Validates answers against a document of api/: operation, status, media type, headers, schema. No network.

document = Document.load()
document.check("GET", "/api/v1/products/abc", 200, headers, body)   # raises AssertionError with the reason
"""

import functools
import json
import pathlib
import re
import sys

import jsonschema

ROOT = pathlib.Path(__file__).resolve().parents[2]
# Statuses the server sends by itself, wherever it likes: the document's `default` answer holds for them.
BY_THE_SERVER = {400, 404, 405, 408, 411, 413, 414, 415, 417, 429, 431, 500, 501, 505, 507}


class Document:
    def __init__(self, text):
        self.spec = json.loads(text)
        self.routes = []
        for path, item in self.spec["paths"].items():
            pattern = re.compile("^" + re.sub(r"\\\{[^/]+?\\\}", "[^/]+", re.escape(path)) + "$")
            self.routes.append((path.count("{"), pattern, path, item))
        self.routes.sort(key=lambda route: route[0])  # Paths without parameters win.
        self.seen = set()

    @classmethod
    @functools.cache
    def load(cls, name="openapi.yaml"):
        sys.path.insert(0, str(ROOT / "tools"))
        import openapi_to_json
        import yaml

        text = (ROOT / "api" / name).read_text(encoding="utf-8")
        return cls(json.dumps(yaml.load(text, Loader=openapi_to_json.Loader)))

    def resolve(self, node):
        while isinstance(node, dict) and "$ref" in node:
            target = self.spec
            for part in node["$ref"].removeprefix("#/").split("/"):
                target = target[part.replace("~1", "/").replace("~0", "~")]
            node = target
        return node

    def operation(self, method, path):
        for _, pattern, name, item in self.routes:
            if pattern.match(path):
                return name, item.get(method.lower())
        return None, None

    @functools.cache
    def validator(self, pointer):
        schema = {"$ref": "#" + pointer, "components": self.spec["components"], "paths": self.spec["paths"]}
        return jsonschema.Draft202012Validator(schema, format_checker=jsonschema.FormatChecker())

    def operations(self):
        """Every (METHOD, path) of the document."""
        return {
            (method.upper(), path)
            for path, item in self.spec["paths"].items()
            for method in item
            if method != "parameters"
        }

    def check(self, method, path, status, headers, body):
        where = f"{method} {path} -> {status}"
        headers = {name.lower(): value for name, value in headers.items()}
        assert headers.get("x-request-id"), f"{where}: no X-Request-Id"
        name, operation = self.operation("GET" if method == "HEAD" else method, path)
        if status >= 400:
            self.check_problem(where, status, headers, body)
        if operation is None:
            served_by_server = status in (302, 404, 405, 501) or (method, status) == ("OPTIONS", 204)
            assert served_by_server or name is None, f"{where}: not in the document"
            return
        responses = operation["responses"]
        code = str(status)
        if code not in responses:
            assert status in BY_THE_SERVER and "default" in responses, f"{where}: status not in the document"
            code = "default"
        self.seen.add((method, name, code))
        response = responses[code]
        pointer = f"/paths/{name.replace('~', '~0').replace('/', '~1')}/{method.lower()}/responses/{code}"
        if "$ref" in response:
            pointer = response["$ref"].removeprefix("#")
            response = self.resolve(response)
        for header, definition in response.get("headers", {}).items():
            self.check_header(where, header, self.resolve(definition), headers)
        if method != "HEAD":
            self.check_content(where, pointer, response.get("content"), headers, body)

    def check_header(self, where, name, definition, headers):
        value = headers.get(name.lower())
        if value is None:
            assert not definition.get("required"), f"{where}: no {name}"
            return
        if definition["schema"].get("type") == "integer":
            assert re.fullmatch(r"\d+", value), f"{where}: {name} is {value!r}"
            value = int(value)
        for error in jsonschema.Draft202012Validator(definition["schema"]).iter_errors(value):
            raise AssertionError(f"{where}: {name}: {error.message}")

    def check_content(self, where, pointer, content, headers, body):
        kind = headers.get("content-type", "").split(";")[0].strip()
        if not content:
            assert not body, f"{where}: a body, but the document has none"
            return
        assert kind in content, f"{where}: media type {kind!r}, the document has {sorted(content)}"
        if not kind.endswith("json"):
            return
        value = json.loads(body)
        pointer += f"/content/{kind.replace('~', '~0').replace('/', '~1')}/schema"
        errors = sorted(self.validator(pointer).iter_errors(value), key=lambda error: len(error.path))
        if errors:
            deepest = jsonschema.exceptions.best_match(errors)
            place = "/".join(map(str, deepest.absolute_path))
            raise AssertionError(f"{where}: at '{place}': {deepest.message[:400]}\n{body[:1000]}")

    def check_problem(self, where, status, headers, body):
        """Every refusal is a problem of RFC 9457, with its own status inside."""
        kind = headers.get("content-type", "")
        assert kind == "application/problem+json", f"{where}: a refusal as {kind!r}"
        if not body:  # HEAD.
            return
        problem = json.loads(body)
        errors = list(self.validator("/components/schemas/Problem").iter_errors(problem))
        assert not errors, f"{where}: {errors[0].message}: {body[:500]}"
        assert problem["status"] == status, f"{where}: the problem says {problem['status']}"
        if status in (429, 503):
            assert headers.get("retry-after", "").isdigit(), f"{where}: no Retry-After"
        if status == 422:
            assert "errors" in problem, f"{where}: 422 without errors"
