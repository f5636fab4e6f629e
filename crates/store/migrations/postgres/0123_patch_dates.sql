-- When a package version was published, as its source says: to the second, in UTC. A year of 1900 means
-- that lists do not show it, and is no date.
ALTER TABLE packages ADD COLUMN published TEXT GENERATED ALWAYS AS (
    CASE WHEN substring(metadata FROM '"published"\s*:\s*"([^"\\]*)"') LIKE '____-__-__T__:__:__%'
              AND substring(metadata FROM '"published"\s*:\s*"([^"\\]*)"') >= '1901'
         THEN substring(metadata FROM '"published"\s*:\s*"([^"\\]{19})') END) STORED;
-- When the first and the last device was found to have a patch that it had lacked.
ALTER TABLE patches ADD COLUMN first_fixed BIGINT;
ALTER TABLE patches ADD COLUMN last_fixed BIGINT;
-- Patches that a device does not lack any more, one device each: whether it has them is looked at soon.
CREATE TABLE fix_candidates (
    patch BIGINT NOT NULL PRIMARY KEY REFERENCES patches (id),
    device BIGINT NOT NULL REFERENCES devices (id),
    at BIGINT NOT NULL
);
