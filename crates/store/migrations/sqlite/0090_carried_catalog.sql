-- Which bytes stood behind an address: fetched by this server, or carried in by an import. `named` is
-- the digest that the package names for it (`sha256:…`), empty where it names none.
CREATE TABLE fetched_files (
    address TEXT NOT NULL,
    named TEXT NOT NULL,
    sha256 TEXT NOT NULL,
    fetched_at INTEGER NOT NULL,
    PRIMARY KEY (address, named)
) STRICT;

-- Catalogs that were written to a file, or read from one. `made_at`, `made_by` and `origin` are the
-- file's own words: when, by which program, and on which installation it was made.
CREATE TABLE carried_catalogs (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    direction TEXT NOT NULL,
    at INTEGER NOT NULL,
    who TEXT NOT NULL,
    sha256 TEXT NOT NULL,
    length INTEGER NOT NULL,
    made_at INTEGER NOT NULL,
    made_by TEXT NOT NULL,
    origin TEXT NOT NULL,
    sources INTEGER NOT NULL,
    versions INTEGER NOT NULL,
    files INTEGER NOT NULL,
    note TEXT NOT NULL
) STRICT;

-- The import that a source came by last.
CREATE TABLE imported_sources (
    source INTEGER NOT NULL PRIMARY KEY REFERENCES sources (id) ON DELETE CASCADE,
    carried INTEGER NOT NULL REFERENCES carried_catalogs (id)
) STRICT;
