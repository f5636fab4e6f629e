-- Patches whose files could not be had: after how many tries in a row, why last, and when they are
-- tried again (NULL: not before a person says so).
CREATE TABLE downloads (
    patch BIGINT NOT NULL PRIMARY KEY REFERENCES patches (id) ON DELETE CASCADE,
    tries BIGINT NOT NULL,
    cause TEXT NOT NULL,
    failed_at BIGINT NOT NULL,
    retry_at BIGINT
);
CREATE INDEX downloads_failed_at ON downloads (failed_at, patch);
