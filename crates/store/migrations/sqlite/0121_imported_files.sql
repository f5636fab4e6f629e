-- Which bytes stood behind an address, as an import says it of a source. `fetched_files` has what this
-- server fetched itself, and what imports said before this table was: that counts where neither says
-- anything else.
CREATE TABLE imported_files (
    source INTEGER NOT NULL REFERENCES sources (id) ON DELETE CASCADE,
    address TEXT NOT NULL,
    named TEXT NOT NULL,
    sha256 TEXT NOT NULL,
    imported_at INTEGER NOT NULL,
    PRIMARY KEY (source, address, named)
) STRICT;
