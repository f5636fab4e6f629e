-- Patches whose files could not be had: after how many tries in a row, why last, and when they are
-- tried again (NULL: not before a person says so).
CREATE TABLE downloads (
    patch INTEGER NOT NULL PRIMARY KEY REFERENCES patches (id) ON DELETE CASCADE,
    tries INTEGER NOT NULL,
    cause TEXT NOT NULL,
    failed_at INTEGER NOT NULL,
    retry_at INTEGER
) STRICT;
CREATE INDEX downloads_failed_at ON downloads (failed_at, patch);
