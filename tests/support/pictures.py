"""Small whole pictures of each kind that the market takes."""

import base64
import struct
import zlib


def png(padding=0, width=1, height=1):
    """One colour; `padding` bytes of text make the file larger, not the picture."""

    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    head = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0))
    rows = zlib.compress((b"\0" + b"\xff\0\0" * width) * height)
    text = chunk(b"tEXt", b"Comment\0" + b"x" * (padding - 8)) if padding else b""
    return b"\x89PNG\r\n\x1a\n" + head + text + chunk(b"IDAT", rows) + chunk(b"IEND", b"")


JPEG = base64.b64decode(
    "/9j/4AAQSkZJRgABAQAAAQABAAD/2wBDABQODxIPDRQSEBIXFRQYHjIhHhwcHj0sLiQySUBMS0dARkVQWnNiUFVtVkVGZIhlbXd7"
    "gYKBTmCNl4x9lnN+gXz/2wBDARUXFx4aHjshITt8U0ZTfHx8fHx8fHx8fHx8fHx8fHx8fHx8fHx8fHx8fHx8fHx8fHx8fHx8fHx8"
    "fHx8fHx8fHz/wAARCAAQABgDASIAAhEBAxEB/8QAFwAAAwEAAAAAAAAAAAAAAAAAAAQFBv/EACAQAAAGAgIDAAAAAAAAAAAAAAAB"
    "AgMEMREhBRJSYZH/xAAVAQEBAAAAAAAAAAAAAAAAAAADBP/EAB4RAAIBAwUAAAAAAAAAAAAAAAECAAMREhMhIzGB/9oADAMBAAIR"
    "AxEAPwCDCYrQ0EJitBGExWheitkhJGZBGAUFm6hZRoltw4yn3c9UlRFswCFz0xTndlB5Q3ePKr9Z+5AJVR64zBsJdxUVGqCSd/J/"
    "/9k="
)
WEBP = base64.b64decode(
    "UklGRp4AAABXRUJQVlA4IJIAAADQBACdASoYABAAPu1iqU2ppaOiMAgBMB2JbACdMoRwIsBKqJEMImCH8YdB3MxuAAD+/SVFpBXt"
    "MTwnFGC6RKRzXHG++alf5XSv7/59UvY66UdBhWIT+1Ug9eJ1R3v1uO30+5tGJK9jjtX0eN2tIgiJRYpk9Kb1pF8VNjrDGh3CDn/t"
    "Td5PcxGSO+6/fUKNTmxAAA=="
)
ALL = [("image/png", png()), ("image/jpeg", JPEG), ("image/webp", WEBP)]
