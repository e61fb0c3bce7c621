#!/usr/bin/env python3
"""Draws the tables of a store:

    tools/erd.py DATA_FOLDER > docs/pictures/erd.svg                  # the embedded one
    tools/erd.py src/adapters/mysql > docs/pictures/erd-mysql.svg     # MySQL or MariaDB

The tables are read from the databases that the migrations made, and of MySQL from the migrations
themselves, so that the picture cannot say anything else. The store knows no foreign keys (events are the
truth, records are folded from them); what a column points to is said here.
"""

import pathlib
import re
import sqlite3
import sys
from html import escape

FILES = {
    "log.db": "the truth: append only",
    "records.db": "folded from the log",
    "main.db": "accounts, sessions, lists",
    "payments.db": "the test provider's charges",
    "MySQL, MariaDB": "shared by several processes",
}
TARGETS = {
    "user_id": "accounts",
    "seller": "accounts",
    "actor_id": "accounts",
    "actor": "accounts",
    "order_id": "orders",
    "product": "products",
    "product_id": "products",
    "session_id": "sessions",
}
NO_COLUMN = re.compile(r"(PRIMARY |UNIQUE |FULLTEXT )?(KEY|INDEX)\b|CONSTRAINT|CHECK", re.I)
ROW, HEAD, WIDTH, GAP, LANE = 17, 26, 250, 18, 300


def tables(path):
    """[(name, [(column, type, is key, may be null)])], as the file has them."""
    with sqlite3.connect(f"file:{path}?mode=ro", uri=True) as db:
        names = [
            name
            for (name,) in db.execute("SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name")
            if not name.startswith("sqlite_") and "_fts" not in name
        ]
        return [
            (
                name,
                [
                    (row[1], row[2], bool(row[5]), not row[3])
                    for row in db.execute(f'PRAGMA table_info("{name}")')
                ],
            )
            for name in names
        ]


def statements(folder):
    """The SQL in a folder's C++: string literals, those beside each other joined."""
    for path in sorted(folder.glob("*.cpp")):
        code = re.sub(r"^\s*//.*$", "", path.read_text(encoding="utf-8"), flags=re.M)
        for joined in re.findall(r'"(?:[^"\\\n]|\\.)*"(?:\s*"(?:[^"\\\n]|\\.)*")*', code):
            yield "".join(re.findall(r'"((?:[^"\\\n]|\\.)*)"', joined))


def parts_of(text):
    """Split at the commas that stand in no brackets."""
    depth, begin = 0, 0
    for index, letter in enumerate(text):
        depth += {"(": 1, ")": -1}.get(letter, 0)
        if letter == "," and depth == 0:
            yield text[begin:index].strip()
            begin = index + 1
    yield text[begin:].strip()


def column_of(part, keys):
    name, rest = part.replace("`", "").split(None, 1)
    kind = re.match(r"\w+(\([\d, ]+\))?( UNSIGNED)?", rest, re.I).group(0)
    key = name in keys or "PRIMARY KEY" in rest.upper()
    return (name, kind, key, "NOT NULL" not in rest.upper())


def migrated_tables(folder):
    """The same as tables(), of CREATE TABLE and ALTER TABLE ... ADD COLUMN in the code's order."""
    found = {}
    for text in statements(folder):
        text = " ".join(text.split())
        made = re.match(r"CREATE TABLE (?:IF NOT EXISTS )?`?(\w+)`?\s*\((.*)\)", text, re.I)
        if made:
            parts = list(parts_of(made[2]))
            keys = [k for part in parts if (k := re.match(r"PRIMARY KEY\s*\((.*)\)", part, re.I))]
            named = {name.strip(" `") for each in keys for name in each[1].split(",")}
            found[made[1]] = [column_of(part, named) for part in parts if not NO_COLUMN.match(part)]
        added = re.match(r"ALTER TABLE `?(\w+)`? ADD COLUMN (?:IF NOT EXISTS )?(.*)", text, re.I)
        if added and added[1] in found:
            found[added[1]].append(column_of(added[2], set()))
    return sorted(found.items())


def place(lanes):
    """{(file, table): (x, y)}; each file is a lane, long ones go on in the next."""
    where, x = {}, 24
    for file, found in lanes:
        y = 84
        for name, columns in found:
            height = HEAD + ROW * len(columns) + 8
            if y > 84 and y + height > 1010:
                x, y = x + LANE, 84
            where[file, name] = (x, y)
            y += height + GAP
        x += LANE
    return where, x


def box(name, columns, x, y):
    height = HEAD + ROW * len(columns) + 8
    parts = [
        f'<rect x="{x}" y="{y}" width="{WIDTH}" height="{height}" rx="6" fill="#fff" stroke="#14171a"/>',
        f'<path d="M{x} {y + 6}a6 6 0 0 1 6 -6h{WIDTH - 12}a6 6 0 0 1 6 6v{HEAD - 6}h-{WIDTH}z"'
        ' fill="#ffcf33"/>',
        f'<text x="{x + 10}" y="{y + 18}" class="name">{escape(name)}</text>',
    ]
    for index, (column, kind, key, optional) in enumerate(columns):
        line = y + HEAD + ROW * (index + 1) - 3
        style = "key" if key else "column"
        target = f" → {TARGETS[column]}" if column in TARGETS else ""
        kind = kind.lower() + ("?" if optional and not key else "")
        parts.append(f'<text x="{x + 10}" y="{line}" class="{style}">{escape(column + target)}</text>')
        parts.append(f'<text x="{x + WIDTH - 10}" y="{line}" class="kind">{escape(kind)}</text>')
    return "\n".join(parts)


def lines(lanes, where):
    drawn = []
    by_name = {name: at for (_, name), at in where.items()}
    for file, found in lanes:
        for name, columns in found:
            for index, (column, *_) in enumerate(columns):
                target = TARGETS.get(column)
                if target not in by_name or target == name:
                    continue
                (x, y), (tx, ty) = where[file, name], by_name[target]
                y, ty = y + HEAD + ROW * (index + 1) - 8, ty + HEAD / 2
                side, end = (x + WIDTH, tx) if tx > x else (x, tx + WIDTH) if tx < x else (x, tx)
                bend = 46 if tx > x else -46
                back = -bend if tx != x else bend
                drawn.append(
                    f'<path d="M{side} {y}C{side + bend} {y} {end + back} {ty} {end} {ty}" class="line"/>'
                    f'<circle cx="{end}" cy="{ty}" r="3" fill="#2540d8"/>'
                )
    return "\n".join(drawn)


def picture(folder):
    if next(folder.glob("*.cpp"), None):
        lanes = [("MySQL, MariaDB", migrated_tables(folder))]
    else:
        lanes = [(file, tables(folder / file)) for file in FILES if (folder / file).exists()]
    where, width = place(lanes)
    heights = [
        where[file, name][1] + HEAD + ROW * len(columns) + 8
        for file, found in lanes
        for name, columns in found
    ]
    height = max(heights) + 24
    heads = []
    for file, found in lanes:
        x = where[file, found[0][0]][0]
        heads.append(f'<text x="{x}" y="46" class="file">{file}</text>')
        heads.append(f'<text x="{x}" y="66" class="note">{FILES[file]}</text>')
    boxes = [box(name, columns, *where[file, name]) for file, found in lanes for name, columns in found]
    size = f'viewBox="0 0 {width} {height}" width="{width}" height="{height}"'
    return f"""<svg xmlns="http://www.w3.org/2000/svg" {size}>
<title>The tables of {'the embedded store' if len(lanes) > 1 else lanes[0][0]}</title>
<style>
text {{ font: 12px ui-monospace, Menlo, "DejaVu Sans Mono", monospace }}
text {{ fill: #14171a }}
.file {{ font: 700 20px system-ui, sans-serif }} .note {{ font: 13px system-ui, sans-serif; fill: #575f5b }}
.name, .key {{ font-weight: 700 }}
.kind {{ fill: #575f5b; text-anchor: end }}
.line {{ fill: none; stroke: #2540d8; stroke-width: 1.2; opacity: 0.55 }}
</style>
<rect width="100%" height="100%" fill="#f4f5f1"/>
{chr(10).join(heads)}
{lines(lanes, where)}
{chr(10).join(boxes)}
</svg>
"""


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    sys.stdout.write(picture(pathlib.Path(sys.argv[1])))
