"""Requests that RFC 9110, 9112 or 3986 forbid, or that this server bounds; and some that it must accept.

Here: request lines, hosts and header fields, and what must be understood; bodies in malformed_http_bodies.
"""

import malformed_http_bodies  # noqa: F401 - adds its cases to REFUSED
from malformed_http_words import BEHIND, HOST, POST, REFUSED, SERVED, chunked, get, refuse, serve

__all__ = ["BEHIND", "REFUSED", "SERVED"]

# ---- request line -----------------------------------------------------------------------------------------
for name, line in {
    "HTTP/0.9 simple request": b"GET /health/live",
    "HTTP/0.9 simple request, root": b"GET /",
    "version 0.9": b"GET /health/live HTTP/0.9",
    "two spaces before target": b"GET  /health/live HTTP/1.1",
    "two spaces before version": b"GET /health/live  HTTP/1.1",
    "tab before target": b"GET\t/health/live HTTP/1.1",
    "tab before version": b"GET /health/live\tHTTP/1.1",
    "leading space": b" GET /health/live HTTP/1.1",
    "leading tab": b"\tGET /health/live HTTP/1.1",
    "trailing space": b"GET /health/live HTTP/1.1 ",
    "trailing tab": b"GET /health/live HTTP/1.1\t",
    "trailing word": b"GET /health/live HTTP/1.1 x",
    "lower-case protocol": b"GET /health/live http/1.1",
    "mixed-case protocol": b"GET /health/live Http/1.1",
    "no slash in version": b"GET /health/live HTTP1.1",
    "no minor version": b"GET /health/live HTTP/1",
    "no minor digit": b"GET /health/live HTTP/1.",
    "two-digit minor version": b"GET /health/live HTTP/1.10",
    "zero-led major version": b"GET /health/live HTTP/01.1",
    "signed version": b"GET /health/live HTTP/+1.1",
    "space in version": b"GET /health/live HTTP/ 1.1",
    "hex version": b"GET /health/live HTTP/0x1.1",
    "comma in version": b"GET /health/live HTTP/1,1",
    "other protocol": b"GET /health/live HTTPS/1.1",
    "other protocol ICY": b"GET /health/live ICY/1.1",
    "no method": b"/health/live HTTP/1.1",
    "no target": b"GET HTTP/1.1",
    "empty target": b"GET  HTTP/1.1",
    "target without slash": b"GET health/live HTTP/1.1",
    "fragment": b"GET /health/live#top HTTP/1.1",
    "asterisk with GET": b"GET * HTTP/1.1",
    "authority form with GET": b"GET localhost:80 HTTP/1.1",
    "backslash": b"GET \\health\\live HTTP/1.1",
    "backslash inside": b"GET /health\\live HTTP/1.1",
    "double quote in target": b'GET /health/"live HTTP/1.1',
    "angle brackets in target": b"GET /health/<live> HTTP/1.1",
    "caret in target": b"GET /health/^live HTTP/1.1",
    "backquote in target": b"GET /health/`live HTTP/1.1",
    "pipe in target": b"GET /health/|live HTTP/1.1",
    "braces in target": b"GET /health/{live} HTTP/1.1",
    "brackets in path": b"GET /health/[live] HTTP/1.1",
    "quote in query": b'GET /health/live?a="b" HTTP/1.1',
    "non-ASCII target": b"GET /health/liv\xc3\xa9 HTTP/1.1",
    "high byte in target": b"GET /health/\xff HTTP/1.1",
    "NUL in target": b"GET /health/live\x00 HTTP/1.1",
    "bell in target": b"GET /health/\x07live HTTP/1.1",
    "DEL in target": b"GET /health/live\x7f HTTP/1.1",
    "bad escape": b"GET /health/%zz HTTP/1.1",
    "half an escape": b"GET /health/live%2 HTTP/1.1",
    "lone percent": b"GET /health/live% HTTP/1.1",
    "bad escape in query": b"GET /health/live?x=%g1 HTTP/1.1",
    "absolute form, other scheme": b"GET ftp://localhost/health/live HTTP/1.1",
    "absolute form, no host": b"GET http:///health/live HTTP/1.1",
    "absolute form, user info": b"GET http://u:p@localhost/health/live HTTP/1.1",
    "absolute form, bad port": b"GET http://localhost:x/health/live HTTP/1.1",
    "absolute form, port too big": b"GET http://localhost:99999/health/live HTTP/1.1",
    "absolute form, fragment": b"GET http://localhost/health/live#x HTTP/1.1",
    "absolute form, one slash": b"GET http:/localhost/health/live HTTP/1.1",
    "method with parenthesis": b"GE(T /health/live HTTP/1.1",
    "method with colon": b"GET: /health/live HTTP/1.1",
    "method with slash": b"G/T /health/live HTTP/1.1",
    "method with NUL": b"GE\x00T /health/live HTTP/1.1",
    "method with a high byte": b"G\xc3\x89T /health/live HTTP/1.1",
    "method in quotes": b'"GET" /health/live HTTP/1.1',
}.items():
    refuse("line: " + name, get(line=line), 400)
for name, line in {
    "lower-case get": b"get /health/live HTTP/1.1",
    "mixed-case Get": b"Get /health/live HTTP/1.1",
    "unknown method": b"BREW /health/live HTTP/1.1",
    "unknown method at an unknown path": b"BREW /no/such/path HTTP/1.1",
    "TRACE": b"TRACE /health/live HTTP/1.1",
    "CONNECT": b"CONNECT localhost:443 HTTP/1.1",
    "very long method": b"A" * 300 + b" /health/live HTTP/1.1",
}.items():
    refuse("line: " + name, get(line=line), 405 if name in ("TRACE", "CONNECT") else 501)
for name, version in {"2.0": b"2.0", "3.0": b"3.0", "9.9": b"9.9"}.items():
    refuse("line: version " + name, get(line=b"GET /health/live HTTP/" + version), 505)
refuse("line: ends with bare LF", b"GET /health/live HTTP/1.1\n" + HOST + b"\r\n", 400)
refuse("line: ends with bare CR", b"GET /health/live HTTP/1.1\r" + HOST + b"\r\n", 400)
refuse("line: CR CR LF", b"GET /health/live HTTP/1.1\r\r\n" + HOST + b"\r\n", 400)
refuse("line: CR in target", get(line=b"GET /health\r/live HTTP/1.1"), 400)
refuse("line: two empty lines before it", b"\r\n\r\n" + get(), 400)
refuse("line: bare LF before it", b"\n" + get(), 400)
refuse("line: bare CR before it", b"\r" + get(), 400)
refuse("line: blank before it", b" \r\n" + get(), 400)
refuse("line: BOM before it", b"\xef\xbb\xbf" + get(), 400)
refuse("line: target of 9,000 bytes", get(line=b"GET /" + b"a" * 9000 + b" HTTP/1.1"), 414)
refuse("line: query of 20,000 bytes", get(line=b"GET /health/live?" + b"a" * 20000 + b" HTTP/1.1"), 414)
refuse("line: 9,000 bytes without an end", b"GET /" + b"a" * 9000, 414)

# ---- other protocols --------------------------------------------------------------------------------------
refuse("other: HTTP/2 preface", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 400, 505)
refuse("other: TLS ClientHello", b"\x16\x03\x01\x00\xa5\x01\x00\x00\xa1\x03\x03" + bytes(range(64)), 400)
refuse("other: SSLv2 hello", b"\x80\x2e\x01\x03\x01\x00\x15\x00\x00\x00\x10", 400)
refuse("other: SSH", b"SSH-2.0-OpenSSH_9.2\r\n", 400)
refuse("other: SMTP", b"EHLO localhost\r\n", 400)
refuse("other: Redis", b"*1\r\n$4\r\nPING\r\n", 400)
refuse("other: SOCKS5", b"\x05\x01\x00", 400)
refuse("other: status line", b"HTTP/1.1 200 OK\r\n\r\n", 400)
refuse("other: NUL bytes", b"\x00" * 64, 400)
refuse("other: proxy protocol", b"PROXY TCP4 1.2.3.4 5.6.7.8 1 2\r\n" + get(), 400)

# ---- Host -------------------------------------------------------------------------------------------------
for name, host in {
    "missing": b"",
    "twice": HOST + HOST,
    "twice, different": HOST + b"Host: example.org\r\n",
    "twice, other case": HOST + b"hOST: localhost\r\n",
    "empty": b"Host:\r\n",
    "blank": b"Host:  \r\n",
    "list": b"Host: a, b\r\n",
    "comma": b"Host: a,b\r\n",
    "space inside": b"Host: local host\r\n",
    "path": b"Host: localhost/x\r\n",
    "scheme": b"Host: http://localhost\r\n",
    "user info": b"Host: user@localhost\r\n",
    "query": b"Host: localhost?x\r\n",
    "fragment": b"Host: localhost#x\r\n",
    "port with letters": b"Host: localhost:80a\r\n",
    "negative port": b"Host: localhost:-1\r\n",
    "port too big": b"Host: localhost:65536\r\n",
    "two ports": b"Host: localhost:80:80\r\n",
    "port alone": b"Host: :80\r\n",
    "open bracket": b"Host: [::1\r\n",
    "bad IPv6": b"Host: [::g]\r\n",
    "bare IPv6": b"Host: ::1\r\n",
    "text behind bracket": b"Host: [::1]x\r\n",
    "backslash": b"Host: local\\host\r\n",
    "non-ASCII": b"Host: loc\xc3\xa4lhost\r\n",
    "NUL": b"Host: local\x00host\r\n",
}.items():
    refuse("host: " + name, get(host=host), 400)
refuse(
    "host: missing with absolute form", get(line=b"GET http://localhost/health/live HTTP/1.1", host=b""), 400
)
refuse("host: twice in HTTP/1.0", get(line=b"GET /health/live HTTP/1.0", host=HOST + HOST), 400)

# ---- header fields ----------------------------------------------------------------------------------------
for name, field in {
    "space before colon": b"X-A : b\r\n",
    "tab before colon": b"X-A\t: b\r\n",
    "space before Host's colon": b"Host : localhost\r\n",
    "space inside name": b"X A: b\r\n",
    "empty name": b": b\r\n",
    "no colon": b"X-A\r\n",
    "no colon, text": b"just some words\r\n",
    "folded with space": b"X-A: b\r\n c\r\n",
    "folded with tab": b"X-A: b\r\n\tc\r\n",
    "blank line of spaces": b"  \r\n",
    "NUL in value": b"X-A: b\x00c\r\n",
    "NUL in name": b"X-\x00A: b\r\n",
    "bell in value": b"X-A: b\x07\r\n",
    "escape in value": b"X-A: \x1b[31m\r\n",
    "backspace in value": b"X-A: b\x08\r\n",
    "vertical tab in value": b"X-A: b\x0bc\r\n",
    "form feed in value": b"X-A: b\x0cc\r\n",
    "DEL in value": b"X-A: b\x7f\r\n",
    "bare LF ends it": b"X-A: b\n",
    "bare LF inside": b"X-A: b\nX-B: c\r\n",
    "bare CR inside": b"X-A: b\rX-B: c\r\n",
    "CR CR LF": b"X-A: b\r\r\n",
    "parenthesis in name": b"X(A): b\r\n",
    "slash in name": b"X/A: b\r\n",
    "quotes in name": b'"X-A": b\r\n',
    "brackets in name": b"X[A]: b\r\n",
    "at sign in name": b"X@A: b\r\n",
    "comma in name": b"X,A: b\r\n",
    "semicolon in name": b"X;A: b\r\n",
    "equals in name": b"X=A: b\r\n",
    "question mark in name": b"X?A: b\r\n",
    "backslash in name": b"X\\A: b\r\n",
    "braces in name": b"X{A}: b\r\n",
    "non-ASCII name": b"X-\xc3\xa4: b\r\n",
    "DEL in name": b"X\x7fA: b\r\n",
}.items():
    refuse("field: " + name, get(field), 400)
refuse("field: first is folded", b"GET /health/live HTTP/1.1\r\n X-A: b\r\n" + HOST + b"\r\n", 400)
refuse("field: head ends with LF LF", b"GET /health/live HTTP/1.1\r\nHost: localhost\n\n", 400)
refuse("field: head ends with CR LF LF", b"GET /health/live HTTP/1.1\r\nHost: localhost\r\n\n", 400)
refuse("field: head ends with LF CR LF", b"GET /health/live HTTP/1.1\r\nHost: localhost\n\r\n", 400)
refuse("limit: 101 fields", get(b"".join(b"X-%d: a\r\n" % i for i in range(101))), 431)
refuse("limit: 5,000 fields", get(b"X: a\r\n" * 5000), 431)
refuse("limit: a value of 20,000 bytes", get(b"X-A: " + b"a" * 20000 + b"\r\n"), 431)
refuse("limit: a name of 20,000 bytes", get(b"X" * 20000 + b": a\r\n"), 431)
refuse(
    "limit: a head of 17,000 bytes",
    get(b"".join(b"X-%d: " % i + b"a" * 900 + b"\r\n" for i in range(19))),
    431,
)
refuse(
    "limit: a value without an end",
    b"GET /health/live HTTP/1.1\r\nHost: localhost\r\nX-A: " + b"a" * 20000,
    431,
)

# ---- what must be understood ------------------------------------------------------------------------------
serve("plain GET", get())
serve("one empty line before it", b"\r\n" + get())
serve("HEAD", get(line=b"HEAD /health/live HTTP/1.1"))
serve("query", get(line=b"GET /health/live?a=b&c=%20d HTTP/1.1"))
serve("absolute form", get(line=b"GET http://localhost/health/live HTTP/1.1"))
serve("absolute form, upper-case scheme", get(line=b"GET HTTP://localhost:8080/health/live HTTP/1.1"))
serve("OPTIONS *", get(line=b"OPTIONS * HTTP/1.1"))
serve("HTTP/1.2", get(line=b"GET /health/live HTTP/1.2"))
serve("HTTP/1.9", get(line=b"GET /health/live HTTP/1.9"))
serve("host with a final dot", get(host=b"Host: localhost.\r\n"))
serve("HTTP/1.0", get(line=b"GET /health/live HTTP/1.0"))
serve("HTTP/1.0 without Host", get(line=b"GET /health/live HTTP/1.0", host=b""))
serve("IPv6 host", get(host=b"Host: [::1]:8080\r\n"))
serve("host with port", get(host=b"Host: localhost:8080\r\n"))
serve("host name in capitals", get(host=b"HOST: LOCALHOST\r\n"))
serve("no space behind colon", get(host=b"Host:localhost\r\n"))
serve("blanks around a value", get(b"X-A: \t b \t \r\n"))
serve("empty value", get(b"X-A:\r\n"))
serve("obs-text in a value", get(b"X-A: caf\xe9\r\n"))
serve("every token character in a name", get(b"!#$%&'*+-.^_`|~09azAZ: b\r\n"))
serve("a header twice", get(b"X-A: b\r\nX-A: c\r\n"))
serve(
    "ignored upgrade",
    get(b"Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABk\r\n"),
)
serve("GET with a body", get(b"Content-Length: 2\r\n") + b"{}")
serve("99 fields", get(b"".join(b"X-%d: a\r\n" % i for i in range(98))))
serve("404", get(line=b"GET /no/such/path HTTP/1.1"), 404)
serve("encoded slash", get(line=b"GET /health%2Flive HTTP/1.1"), 404)
serve("double slash", get(line=b"GET //health/live HTTP/1.1"), 404)
serve("dot segment", get(line=b"GET /x/../health/live HTTP/1.1"), 404)
serve("trailing slash", get(line=b"GET /health/live/ HTTP/1.1"), 404)
serve("path parameter", get(line=b"GET /health/live;x=y HTTP/1.1"), 404)
serve("encoded NUL", get(line=b"GET /health/live%00 HTTP/1.1"), 404)
serve("upper-case path", get(line=b"GET /HEALTH/LIVE HTTP/1.1"), 404)
serve("other method of a known path", get(line=b"DELETE /health/live HTTP/1.1"), 405)
serve(
    "wrong media type", POST.replace(b"application/json", b"text/plain") + b"Content-Length: 2\r\n\r\n{}", 415
)
serve("compressed body", POST + b"Content-Encoding: gzip\r\nContent-Length: 2\r\n\r\n{}", 415)
serve("body by length", POST + b"Content-Length: 2\r\n\r\n{}")
serve("body by chunks", chunked(b"2\r\n{}\r\n0\r\n\r\n"))
serve("chunks with extension and trailer", chunked(b'1;a=b;c="d e"\r\n{\r\n1\r\n}\r\n0\r\nX-Sum: 1\r\n\r\n'))
serve("chunk size with leading zero", chunked(b"02\r\n{}\r\n000\r\n\r\n"))
serve("Chunked in capitals", POST + b"Transfer-Encoding: CHUNKED\r\n\r\n2\r\n{}\r\n0\r\n\r\n")
serve("length with leading zero", POST + b"Content-Length: 02\r\n\r\n{}")
serve(
    "expect in HTTP/1.0 is ignored",
    POST.replace(b"1.1", b"1.0") + b"Expect: x\r\nContent-Length: 2\r\n\r\n{}",
)
