-- When a package version was published, as its source says: to the second, in UTC. A year of 1900 means
-- that lists do not show it, and is no date.
ALTER TABLE packages ADD COLUMN published TEXT GENERATED ALWAYS AS (
    CASE WHEN json_valid(metadata)
              AND json_extract(metadata, '$.published') LIKE '____-__-__T__:__:__%'
              AND json_extract(metadata, '$.published') >= '1901'
         THEN substr(json_extract(metadata, '$.published'), 1, 19) END) VIRTUAL;
-- When the first and the last device was found to have a patch that it had lacked.
ALTER TABLE patches ADD COLUMN first_fixed INTEGER;
ALTER TABLE patches ADD COLUMN last_fixed INTEGER;
-- Patches that a device does not lack any more, one device each: whether it has them is looked at soon.
CREATE TABLE fix_candidates (
    patch INTEGER NOT NULL PRIMARY KEY REFERENCES patches (id),
    device INTEGER NOT NULL REFERENCES devices (id),
    at INTEGER NOT NULL
) STRICT;
