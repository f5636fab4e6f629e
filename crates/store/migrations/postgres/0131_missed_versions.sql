-- Versions that a feed did not give in reads that saw fewer entries than it says that it has: in how many
-- of them in a row, and since when.
CREATE TABLE missed_versions (
    package BIGINT NOT NULL PRIMARY KEY REFERENCES packages (id) ON DELETE CASCADE,
    source BIGINT NOT NULL REFERENCES sources (id) ON DELETE CASCADE,
    times BIGINT NOT NULL,
    since BIGINT NOT NULL
);
CREATE INDEX missed_versions_by_source ON missed_versions (source);
