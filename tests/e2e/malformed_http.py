#!/usr/bin/env python3
"""Sends malformed and strict requests over raw sockets: python3 tests/e2e/malformed_http.py HOST PORT

A refused request gets one 4xx or 5xx answer, its connection closes, and what stands behind it is never
served. A served one gets its answer, and (HTTP/1.1) a second request on the same connection gets one too.
"""

import concurrent.futures
import re
import socket
import sys

from malformed_http_cases import BEHIND, REFUSED, SERVED

TIMEOUT = 5.0


def exchange(address, data, half_close=False):
    """All bytes until the server closes; None as second value when it did not close."""
    with socket.create_connection(address, timeout=TIMEOUT) as peer:
        try:
            peer.sendall(data)
            if half_close:
                peer.shutdown(socket.SHUT_WR)
        except OSError:
            pass  # It may close while we still send; its answer counts.
        answer = b""
        try:
            while piece := peer.recv(65536):
                answer += piece
        except TimeoutError:
            return answer, False
        except ConnectionResetError:
            return answer, True
    return answer, True


def statuses_of(answer):
    return [int(status) for status in re.findall(rb"(?:^|\r\n\r\n|\})HTTP/1\.1 (\d{3}) ", answer)]


def check_refused(address, name, data, wanted):
    answer, closed = exchange(address, data + BEHIND)
    statuses = statuses_of(answer)
    if len(statuses) != 1:
        return f"{name}: {len(statuses)} answers {statuses}"
    if statuses[0] < 400 or (wanted and statuses[0] not in wanted):
        return f"{name}: {statuses[0]}, wanted {wanted or '4xx'}"
    if not closed:
        return f"{name}: the connection stays open"
    if b"application/problem+json" not in answer or b"X-Request-Id: " not in answer:
        return f"{name}: no problem+json with a request id"
    return None


def check_served(address, name, data, wanted):
    closing = data.startswith(b"HEAD") or b"HTTP/1.0" in data
    answer, closed = exchange(address, data if closing else data + BEHIND, half_close=True)
    statuses = [status for status in statuses_of(answer) if status != 100]
    if len(statuses) != (1 if closing else 2):
        return f"{name}: answers {statuses}"
    if wanted and statuses[0] not in wanted:
        return f"{name}: {statuses[0]}, wanted {wanted}"
    if (
        not wanted
        and statuses[0] in (400, 404, 405, 413, 414, 415, 417, 431, 500, 501, 505)
        and "body" not in name
        and b"POST" not in data
    ):
        return f"{name}: {statuses[0]}"
    if not closing and statuses[1] not in (200, 503):
        return f"{name}: the next request got {statuses[1]}"
    return None if closed else f"{name}: open after our end of stream"


def main():
    if len(sys.argv) != 3:
        sys.exit("usage: malformed_http.py HOST PORT")
    address = (sys.argv[1], int(sys.argv[2]))
    jobs = [(check_refused, *case) for case in REFUSED] + [(check_served, *case) for case in SERVED]
    with concurrent.futures.ThreadPoolExecutor(16) as pool:
        results = list(pool.map(lambda job: job[0](address, *job[1:]), jobs))
    failed = [result for result in results if result]
    for line in failed:
        print(line)
    print(f"{len(results) - len(failed)} passed, {len(failed)} failed")
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
