-- What administrators say about matches: a name or a pattern is a package, is not, or is left out.
CREATE TABLE overrides (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    name TEXT NOT NULL,
    publisher TEXT NOT NULL,
    decision TEXT NOT NULL,
    package TEXT NOT NULL,
    reason TEXT NOT NULL,
    created_by TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    removed_by TEXT,
    removed_at INTEGER
) STRICT;
