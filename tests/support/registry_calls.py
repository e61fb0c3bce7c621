"""Talks to a registry as a client of any language would: plain HTTP, JSON or XML."""

import http.client
import json

from openapi_check import Document

DEFAULT_CLASS = "com.netflix.appinfo.InstanceInfo$DefaultDataCenterInfo"
AMAZON_CLASS = "com.netflix.appinfo.AmazonInfo"
JSON = "application/json"


def call(server, method, path, body=None, kind=JSON, accept=JSON, **headers):
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=20)
    try:
        sent = {"Accept": accept, "Content-Type": kind, **headers}
        connection.request(method, path, body.encode() if isinstance(body, str) else body, sent)
        answer = connection.getresponse()
        text = answer.read().decode()
        # Refusals without a body are no problems of RFC 9457, on purpose.
        if answer.status < 400 and accept == JSON:
            plain = path.split("?")[0].rstrip("/")
            Document.load("registry.yaml").check(method, plain, answer.status, dict(answer.headers), text)
        return answer.status, text
    finally:
        connection.close()


def instance(name, port=9000, host="127.0.0.1", address="127.0.0.1", more=None, **metadata):
    return {
        "instanceId": name,
        "hostName": host,
        "app": "FAKE",
        "ipAddr": address,
        "vipAddress": "fake",
        "status": "UP",
        "port": {"$": port, "@enabled": "true"},
        "dataCenterInfo": {"@class": DEFAULT_CLASS, "name": "MyOwn"},
        "metadata": metadata,
        **(more or {}),
    }


def register(server, *given, **more):
    return post(server, instance(*given, **more))


def post(server, one, app="FAKE"):
    return call(server, "POST", f"/eureka/apps/{app}", json.dumps({"instance": one}))


def instances(server):
    apps = json.loads(call(server, "GET", "/eureka/apps/")[1])["applications"]["application"]
    return {each["instanceId"]: each for app in apps for each in app["instance"]}
