"""An HTTP server of a test's own on a thread, for as long as a `with` block lasts."""

import threading


class Served:
    """For a class that has made `self.server`."""

    def __enter__(self):
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_):
        self.server.shutdown()
        self.server.server_close()
