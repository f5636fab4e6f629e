-- Whether the packages of a source that download their installers come into the feed with them inside.
ALTER TABLE sources ADD COLUMN internalize INTEGER NOT NULL DEFAULT 1;
-- What was put into an internalized package, and by which program: JSON.
ALTER TABLE feed_packages ADD COLUMN internalized TEXT;
-- Packages that were to come into the feed and did not: why, after how many tries, and when that is
-- tried again by itself.
CREATE TABLE feed_refusals (
    package INTEGER NOT NULL PRIMARY KEY REFERENCES packages (id) ON DELETE CASCADE,
    why TEXT NOT NULL,
    tries INTEGER NOT NULL,
    refused_at INTEGER NOT NULL,
    retry_at INTEGER
) STRICT;
