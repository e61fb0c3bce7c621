"""The words that malformed and strict requests are made of, and the two lists of cases.

A case: (name, bytes, statuses). `statuses` empty: any 4xx or 5xx. All of REFUSED must end the connection
without serving what stands behind them; all of SERVED must be understood.
"""

HOST = b"Host: localhost\r\n"
POST = b"POST /api/v1/sessions HTTP/1.1\r\n" + HOST + b"Content-Type: application/json\r\n"
BEHIND = b"GET /health/live HTTP/1.1\r\nHost: localhost\r\nX-Behind: yes\r\n\r\n"


def get(extra=b"", line=b"GET /health/live HTTP/1.1", host=HOST):
    return line + b"\r\n" + host + extra + b"\r\n"


def chunked(body, extra=b""):
    return POST + extra + b"Transfer-Encoding: chunked\r\n\r\n" + body


REFUSED = []
SERVED = []


def refuse(name, data, *statuses):
    REFUSED.append((name, data, statuses))


def serve(name, data, *statuses):
    SERVED.append((name, data, statuses))
