"""Bodies and their framing: what RFC 9110 or 9112 forbid, or this server bounds."""

from malformed_http_words import POST, chunked, get, refuse

# ---- Content-Length ---------------------------------------------------------------------------------------
for name, field in {
    "empty": b"Content-Length:\r\n",
    "plus": b"Content-Length: +2\r\n",
    "minus": b"Content-Length: -2\r\n",
    "minus one": b"Content-Length: -1\r\n",
    "hex": b"Content-Length: 0x2\r\n",
    "letters": b"Content-Length: two\r\n",
    "trailing letter": b"Content-Length: 2a\r\n",
    "fraction": b"Content-Length: 2.0\r\n",
    "exponent": b"Content-Length: 2e0\r\n",
    "inner space": b"Content-Length: 1 2\r\n",
    "list of equals": b"Content-Length: 2, 2\r\n",
    "list of others": b"Content-Length: 2, 3\r\n",
    "list without space": b"Content-Length: 2,2\r\n",
    "leading comma": b"Content-Length: ,2\r\n",
    "trailing comma": b"Content-Length: 2,\r\n",
    "twice the same": b"Content-Length: 2\r\nContent-Length: 2\r\n",
    "twice, different": b"Content-Length: 2\r\nContent-Length: 3\r\n",
    "twice, other case": b"Content-Length: 2\r\ncontent-length: 3\r\n",
    "quoted": b'Content-Length: "2"\r\n',
    "underscore digits": b"Content-Length: 1_0\r\n",
    "full-width digit": b"Content-Length: \xef\xbc\x92\r\n",
    "parameter": b"Content-Length: 2;x\r\n",
    "2^64": b"Content-Length: 18446744073709551616\r\n",
    "2^64 + 2": b"Content-Length: 18446744073709551618\r\n",
    "40 digits": b"Content-Length: " + b"9" * 40 + b"\r\n",
    "NUL": b"Content-Length: 2\x00\r\n",
    "space before colon": b"Content-Length : 2\r\n",
    "folded": b"Content-Length:\r\n 2\r\n",
}.items():
    refuse("length: " + name, POST + field + b"\r\n{}", 400, 413)
refuse("length: 1 GiB", POST + b"Content-Length: 1073741824\r\n\r\n{}", 413)
refuse("length: 2^53", POST + b"Content-Length: 9007199254740992\r\n\r\n{}", 413)

# ---- Transfer-Encoding ------------------------------------------------------------------------------------
for name, fields in {
    "with Content-Length": b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n",
    "before Content-Length": b"Transfer-Encoding: chunked\r\nContent-Length: 5\r\n",
    "with Content-Length 0": b"Content-Length: 0\r\nTransfer-Encoding: chunked\r\n",
    "twice": b"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n",
    "chunked, chunked": b"Transfer-Encoding: chunked, chunked\r\n",
    "chunked is not last": b"Transfer-Encoding: chunked, gzip\r\n",
    "chunked, identity": b"Transfer-Encoding: chunked, identity\r\n",
    "empty": b"Transfer-Encoding:\r\n",
    "trailing comma": b"Transfer-Encoding: chunked,\r\n",
    "leading comma": b"Transfer-Encoding: ,chunked\r\n",
    "parameter": b"Transfer-Encoding: chunked;q=1\r\n",
    "quoted": b'Transfer-Encoding: "chunked"\r\n',
    "vertical tab": b"Transfer-Encoding: \x0bchunked\r\n",
    "xchunked": b"Transfer-Encoding: xchunked\r\n",
    "chunkedx": b"Transfer-Encoding: chunkedx\r\n",
    "two words": b"Transfer-Encoding: chunked foo\r\n",
    "identity": b"Transfer-Encoding: identity\r\n",
    "gzip": b"Transfer-Encoding: gzip\r\n",
    "gzip, chunked": b"Transfer-Encoding: gzip, chunked\r\n",
    "cow": b"Transfer-Encoding: cow\r\n",
    "two fields, gzip and chunked": b"Transfer-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n",
    "two fields, chunked and identity": b"Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n",
    "space before colon": b"Transfer-Encoding : chunked\r\n",
    "folded": b"Transfer-Encoding:\r\n chunked\r\n",
    "NUL": b"Transfer-Encoding: chunked\x00\r\n",
}.items():
    refuse("coding: " + name, POST + fields + b"\r\n0\r\n\r\n", 400, 501)
refuse(
    "coding: in HTTP/1.0", POST.replace(b"1.1", b"1.0") + b"Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400
)
refuse(
    "coding: in HTTP/1.0 with keep-alive",
    POST.replace(b"1.1", b"1.0") + b"Connection: keep-alive\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    400,
)
refuse(
    "coding: with Content-Length on GET",
    get(b"Content-Length: 3\r\nTransfer-Encoding: chunked\r\n") + b"0\r\n\r\n",
    400,
)

# ---- chunks -----------------------------------------------------------------------------------------------
for name, body in {
    "empty size": b"\r\n{}\r\n0\r\n\r\n",
    "size 0x2": b"0x2\r\n{}\r\n0\r\n\r\n",
    "size +2": b"+2\r\n{}\r\n0\r\n\r\n",
    "size -2": b"-2\r\n{}\r\n0\r\n\r\n",
    "size g": b"g\r\n{}\r\n0\r\n\r\n",
    "space before size": b" 2\r\n{}\r\n0\r\n\r\n",
    "space behind size": b"2 \r\n{}\r\n0\r\n\r\n",
    "tab behind size": b"2\t\r\n{}\r\n0\r\n\r\n",
    "size ends with LF": b"2\n{}\r\n0\r\n\r\n",
    "size ends with CR": b"2\r{}\r\n0\r\n\r\n",
    "size ends with CR CR LF": b"2\r\r\n{}\r\n0\r\n\r\n",
    "data longer than size": b"2\r\n{}}\r\n0\r\n\r\n",
    "data shorter than size": b"5\r\n{}\r\n0\r\n\r\n" + b"X" * 8,
    "no CRLF behind data": b"2\r\n{}0\r\n\r\n",
    "LF behind data": b"2\r\n{}\n0\r\n\r\n",
    "CR behind data": b"2\r\n{}\r0\r\n\r\n",
    "17 digits": b"00000000000000002\r\n{}\r\n0\r\n\r\n",
    "2^64 + 2": b"10000000000000002\r\n{}\r\n0\r\n\r\n",
    "size with underscore": b"0_2\r\n{}\r\n0\r\n\r\n",
    "comma size": b"2,2\r\n{}\r\n0\r\n\r\n",
    "NUL in size": b"2\x00\r\n{}\r\n0\r\n\r\n",
    "extension without name": b"2;\r\n{}\r\n0\r\n\r\n",
    "extension with NUL": b"2;a=\x00\r\n{}\r\n0\r\n\r\n",
    "extension with LF": b"2;a\n{}\r\n0\r\n\r\n",
    "extension with bare CR": b"2;a\rb\r\n{}\r\n0\r\n\r\n",
    "extension with open quote": b'2;a="b\r\n{}\r\n0\r\n\r\n',
    "extension without semicolon": b"2 a=b\r\n{}\r\n0\r\n\r\n",
    "last size ends with LF": b"2\r\n{}\r\n0\n\r\n",
    "end is LF": b"2\r\n{}\r\n0\r\n\n",
    "end is CR": b"2\r\n{}\r\n0\r\n\rX",
    "trailer without colon": b"2\r\n{}\r\n0\r\nX-A\r\n\r\n",
    "trailer with space before colon": b"2\r\n{}\r\n0\r\nX-A : b\r\n\r\n",
    "folded trailer": b"2\r\n{}\r\n0\r\nX-A: b\r\n c\r\n\r\n",
    "trailer with NUL": b"2\r\n{}\r\n0\r\nX-A: \x00\r\n\r\n",
    "trailer ends with LF": b"2\r\n{}\r\n0\r\nX-A: b\n\r\n",
    "trailer Content-Length": b"2\r\n{}\r\n0\r\nContent-Length: 5\r\n\r\n",
    "trailer Transfer-Encoding": b"2\r\n{}\r\n0\r\nTransfer-Encoding: chunked\r\n\r\n",
    "trailer Host": b"2\r\n{}\r\n0\r\nHost: other\r\n\r\n",
    "trailer Authorization": b"2\r\n{}\r\n0\r\nAuthorization: Bearer x\r\n\r\n",
}.items():
    refuse("chunk: " + name, chunked(body), 400)
refuse("chunk: size of 16 f", chunked(b"ffffffffffffffff\r\n{}\r\n0\r\n\r\n"), 400, 413)
refuse("chunk: size 2^62", chunked(b"4000000000000000\r\n{}\r\n0\r\n\r\n"), 400, 413)
refuse("chunk: 2 GiB", chunked(b"80000000\r\n{}"), 413)
refuse(
    "chunk: extension of 10,000 bytes", chunked(b"2;" + b"a" * 10000 + b"\r\n{}\r\n0\r\n\r\n"), 400, 413, 431
)
refuse(
    "chunk: many extensions",
    chunked(b"".join(b"1;" + b"a" * 500 + b"\r\n \r\n" for _ in range(40)) + b"0\r\n\r\n"),
    400,
    413,
    431,
)
refuse(
    "chunk: trailers of 20,000 bytes",
    chunked(b"2\r\n{}\r\n0\r\n" + b"X-A: b\r\n" * 2500 + b"\r\n"),
    400,
    413,
    431,
)

# ---- expectations -----------------------------------------------------------------------------------------
refuse("expect: unknown", POST + b"Expect: 200-ok\r\nContent-Length: 2\r\n\r\n{}", 417)
refuse("expect: empty", POST + b"Expect:\r\nContent-Length: 2\r\n\r\n{}", 417)
refuse("expect: list", POST + b"Expect: 100-continue, x\r\nContent-Length: 2\r\n\r\n{}", 417)
refuse("expect: with a bad length", POST + b"Expect: 100-continue\r\nContent-Length: -1\r\n\r\n", 400)
refuse("expect: body too large", POST + b"Expect: 100-continue\r\nContent-Length: 999999999\r\n\r\n", 413)
