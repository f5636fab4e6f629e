-- Which bytes stood behind an address, as an import says it of a source. `fetched_files` has what this
-- server fetched itself, and what imports said before this table was: that counts where neither says
-- anything else.
CREATE TABLE imported_files (
    source BIGINT NOT NULL REFERENCES sources (id) ON DELETE CASCADE,
    address TEXT COLLATE "C" NOT NULL,
    named TEXT COLLATE "C" NOT NULL,
    sha256 TEXT COLLATE "C" NOT NULL,
    imported_at BIGINT NOT NULL,
    PRIMARY KEY (source, address, named)
);
