-- The feed of one's own: its package versions, and the keys that open it.
CREATE TABLE feed_packages (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    package TEXT NOT NULL,
    version_key TEXT NOT NULL,
    nuspec BLOB NOT NULL,
    sha256 TEXT NOT NULL REFERENCES files (sha256),
    sha512 TEXT NOT NULL,
    listed INTEGER NOT NULL,
    origin TEXT NOT NULL,
    added_by TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    UNIQUE (package, version_key)
) STRICT;

CREATE TABLE feed_keys (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    name TEXT NOT NULL,
    secret_sha256 TEXT NOT NULL UNIQUE,
    can_push INTEGER NOT NULL,
    created_by TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL
) STRICT;
CREATE UNIQUE INDEX feed_keys_by_name ON feed_keys (name);
