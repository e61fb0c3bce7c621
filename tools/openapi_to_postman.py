#!/usr/bin/env python3
"""Makes a Postman collection of the API document:

    tools/openapi_to_postman.py api/openapi.yaml api/postman.json          # after a change of the document
    tools/openapi_to_postman.py --check api/openapi.yaml api/postman.json  # is it the document's? (tidy)

First a purchase that runs from sign-up to payment and keeps what it learns (token, product, order) in
variables, then every operation in a folder of its tag, with the document's own example and a check that its
answer's status is one that the document knows. Newman runs the first folder in tests/documents.
"""

import json
import pathlib
import sys

import yaml

VERBS = ("get", "post", "put", "patch", "delete")
SCHEMA = "https://schema.getpostman.com/json/collection/v2.1.0/collection.json"
# Variables that stand for an id, by what comes before it in the path.
IDS = {
    "products": "{{productId}}",
    "orders": "{{orderId}}",
    "users": "{{userId}}",
    "items": "{{productId}}",
    "wishlist": "{{productId}}",
}


def script(*lines):
    return {"listen": "test", "script": {"type": "text/javascript", "exec": list(lines)}}


def url_of(path, parameters):
    """Path and query as Postman wants them; optional parameters are there, switched off."""
    parts = path.strip("/").split("/")
    parts = [IDS.get(parts[i - 1], "{{id}}") if part == "{id}" else part for i, part in enumerate(parts)]
    query = [
        {
            "key": each["name"],
            "value": str(each.get("example", each["schema"].get("default", ""))),
            "disabled": not each.get("required", False),
            "description": each.get("description", ""),
        }
        for each in parameters
        if each["in"] == "query"
    ]
    url = {"raw": "{{baseUrl}}/" + "/".join(parts), "host": ["{{baseUrl}}"], "path": parts}
    return url | ({"query": query} if query else {})


class Document:
    def __init__(self, text):
        self.spec = yaml.safe_load(text)

    def resolve(self, value):
        while "$ref" in value:
            found = self.spec
            for step in value["$ref"].removeprefix("#/").split("/"):
                found = found[step]
            value = found
        return value

    def body(self, operation):
        for kind, content in operation.get("requestBody", {}).get("content", {}).items():
            if kind != "application/json":
                return {"mode": "file"}, kind
            example = next(iter(content.get("examples", {}).values()), {}).get("value", {})
            text = json.dumps(example, indent=2, ensure_ascii=False)
            return {"mode": "raw", "raw": text, "options": {"raw": {"language": "json"}}}, kind
        return None, None

    def request(self, path, verb):
        item = self.spec["paths"][path]
        operation = item[verb]
        parameters = [
            self.resolve(each) for each in item.get("parameters", []) + operation.get("parameters", [])
        ]
        body, kind = self.body(operation)
        headers = [{"key": "Content-Type", "value": kind}] if kind else []
        if any(each["name"] == "Idempotency-Key" for each in parameters):
            headers.append({"key": "Idempotency-Key", "value": "{{$guid}}"})
        request = {
            "method": verb.upper(),
            "header": headers,
            "url": url_of(path, parameters),
            "description": "\n\n".join(
                filter(None, (operation.get("summary"), operation.get("description")))
            ),
            "auth": (
                {"type": "bearer", "bearer": [{"key": "token", "value": "{{accessToken}}"}]}
                if operation.get("security")
                else {"type": "noauth"}
            ),
        }
        known = [int(status) for status in operation["responses"] if status != "default"]
        return {
            "name": operation.get("summary", path),
            "request": request | ({"body": body} if body else {}),
            "event": [
                script(
                    "pm.test('a status that the document knows', () => "
                    f"pm.expect({known}).to.include(pm.response.code));",
                )
            ],
        }

    def folders(self):
        folders = {
            tag["name"]: {"name": tag["name"], "description": tag.get("description", ""), "item": []}
            for tag in self.spec["tags"]
        }
        for path, item in self.spec["paths"].items():
            for verb in VERBS:
                if verb in item:
                    folders[item[verb]["tags"][0]]["item"].append(self.request(path, verb))
        return [folder for folder in folders.values() if folder["item"]]


def step(document, path, verb, body, status, *remember):
    """A request of the purchase: this body, this answer, and what is kept of it."""
    item = document.request(path, verb)
    if body is not None:
        item["request"]["body"] = {
            "mode": "raw",
            "raw": json.dumps(body, indent=2),
            "options": {"raw": {"language": "json"}},
        }
    item["event"] = [
        script(
            f"pm.test('answers {status}', () => pm.response.to.have.status({status}));",
            *(f"pm.collectionVariables.set('{name}', {value});" for name, value in remember),
        )
    ]
    return item


def purchase(document):
    api = "/api/v1"
    account = {"email": "{{email}}", "password": "{{password}}"}
    steps = [
        step(
            document,
            f"{api}/users",
            "post",
            account | {"name": "Kim"},
            201,
            ("userId", "pm.response.json().id"),
        ),
        step(
            document,
            f"{api}/sessions",
            "post",
            account,
            201,
            ("accessToken", "pm.response.json().accessToken"),
        ),
        step(
            document,
            f"{api}/products",
            "get",
            None,
            200,
            (
                "productId",
                "pm.response.json().items.find((each) => each.stock.remaining > 0 && "
                "(!each.sale || each.sale.state === 'open')).id",
            ),
        ),
        step(document, f"{api}/products/{{id}}/stock", "get", None, 200),
        step(
            document,
            f"{api}/orders",
            "post",
            {"items": [{"productId": "{{productId}}", "quantity": 1}]},
            201,
            ("orderId", "pm.response.json().id"),
        ),
        step(document, f"{api}/orders/{{id}}/payment", "post", {"method": "card", "token": "ok"}, 200),
        step(document, f"{api}/orders/{{id}}", "get", None, 200),
        step(document, f"{api}/orders/{{id}}/cancel", "post", None, 200),
        step(document, f"{api}/sessions/current", "delete", None, 204),
    ]
    steps[0]["event"].append(
        {
            "listen": "prerequest",
            "script": {
                "type": "text/javascript",
                "exec": ["pm.collectionVariables.set('email', `postman-${Date.now()}@example.com`);"],
            },
        }
    )
    return {"name": "A purchase, in this order", "item": steps}


def collection(text):
    document = Document(text)
    info = document.spec["info"]
    values = {
        "baseUrl": "http://127.0.0.1:8080",
        "email": "buyer@example.com",
        "password": "a long passphrase",
        "accessToken": "",
        "userId": "0",
        "productId": "0",
        "orderId": "0",
        "id": "0",
    }
    return {
        "info": {
            "name": info["title"],
            "description": info["description"],
            "version": info["version"],
            "schema": SCHEMA,
        },
        "item": [purchase(document), *document.folders()],
        "variable": [{"key": key, "value": value} for key, value in values.items()],
    }


def main(arguments):
    checks = arguments[:1] == ["--check"]
    arguments = arguments[checks:]
    if len(arguments) != 2:
        sys.exit(__doc__)
    source, target = map(pathlib.Path, arguments)
    made = json.dumps(collection(source.read_text(encoding="utf-8")), ensure_ascii=False, indent=1) + "\n"
    if not checks:
        target.write_text(made, encoding="utf-8")
    elif target.read_text(encoding="utf-8") != made:
        sys.exit(f"{target} is not the document's: tools/openapi_to_postman.py {source} {target}")


if __name__ == "__main__":
    main(sys.argv[1:])
