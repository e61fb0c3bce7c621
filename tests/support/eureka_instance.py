#!/usr/bin/env python3
"""Instances of an application that is not ours: a fake service, registered through the Eureka REST API.

    eureka_instance.py APP NAME... -- REGISTRY_PORT...

Registers every NAME at the first registry that answers, sends a heartbeat every half second (lease: 3 s), and
registers again after a 404. Prints the port of the service, which all names share; runs until it is killed.
"""

import collections
import http.client
import json
import sys
import time

from fake_upstream import FakeUpstream

RENEWAL_SECONDS = 0.5
REQUESTS_KEPT = 1000  # For hours of load.


class Instance:
    def __init__(self, app, name, port, registries):
        self.app, self.name, self.port, self.registries = app, name, port, registries

    def body(self):
        return json.dumps(
            {
                "instance": {
                    "instanceId": self.name,
                    "hostName": "127.0.0.1",
                    "app": self.app,
                    "ipAddr": "127.0.0.1",
                    "vipAddress": self.app.lower(),
                    "status": "UP",
                    "port": {"$": self.port, "@enabled": "true"},
                    "dataCenterInfo": {
                        "@class": "com.netflix.appinfo.InstanceInfo$DefaultDataCenterInfo",
                        "name": "MyOwn",
                    },
                    "leaseInfo": {"renewalIntervalInSecs": 1, "durationInSecs": 3},
                }
            }
        )

    def call(self, method, path, body=None):
        """The status of the first registry that answers; None when none does."""
        for port in self.registries:
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=2)
            try:
                connection.request(method, path, body, {"Content-Type": "application/json"} if body else {})
                return connection.getresponse().status
            except (OSError, http.client.HTTPException):
                continue
            finally:
                connection.close()
        return None

    def renew(self):
        status = self.call("PUT", f"/eureka/apps/{self.app}/{self.name}?status=UP")
        if status == 404:
            self.call("POST", f"/eureka/apps/{self.app}", self.body())


def main():
    split = sys.argv.index("--")
    app, names, registries = sys.argv[1], sys.argv[2:split], list(map(int, sys.argv[split + 1 :]))
    service = FakeUpstream(names[0])
    service.requests = collections.deque(maxlen=REQUESTS_KEPT)
    instances = [Instance(app, name, service.port, registries) for name in names]
    print(service.port, flush=True)
    while True:
        for instance in instances:
            instance.renew()
        time.sleep(RENEWAL_SECONDS)


if __name__ == "__main__":
    main()
