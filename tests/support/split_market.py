"""The platform as three processes: a registry, the services on their store, a gateway that finds them. By no
more settings than the README's commands have: what is not tested by default does not work by default."""

import requests

from market_server import Market, free_port
from waiting import until


class SplitMarket(Market):
    """Used like a Market; `url` is the gateway's."""

    def __init__(self, data, *settings, listen=None, gateway=(), **more):
        registry_port = free_port()
        find = f"registry.urls=http://127.0.0.1:{registry_port}/eureka/"
        flags = ("--role", "user,product,order", *more.pop("flags", ()))
        super().__init__(data, *settings, find, flags=flags, **more)
        common = ("ratelimit.", "registry.", "http.spans")
        shared = [setting for setting in self.settings if setting.startswith(common)]
        folder = self.data.parent
        spans = [setting for setting in shared if setting.startswith("http.spans")]
        self.registry = Market(
            folder / "registry", *spans, listen=registry_port, flags=("--role", "registry")
        )
        self.gateway = Market(
            folder / "gateway", *shared, *gateway, listen=listen, flags=("--role", "gateway")
        )
        self.url = self.gateway.url

    def start(self, seconds=20.0):
        try:
            self.registry.start(seconds)
            super().start(seconds)
            self.gateway.start(seconds)
            until(self.is_found, seconds, "the gateway does not find the services")
        except BaseException:
            self.kill()
            raise
        return self

    def is_found(self):
        """All three: each is registered by itself. And they know the gateway, so that they see who asks."""
        if "whose word about clients is taken: 127.0.0.1" not in self.log_path.read_text(errors="replace"):
            return False
        doors = ("/products?limit=1", "/orders", "/users/me")
        answers = [requests.get(self.url + "/api/v1" + door, timeout=10).status_code for door in doors]
        return answers == [200, 401, 401]

    def stop(self, seconds=20.0):
        status = super().stop(seconds)
        self.kill()
        return status

    def kill(self):
        super().kill()
        self.gateway.kill()
        self.registry.kill()
