-- Patches that devices do not lack any more, some devices each: whether one of them has it is looked at soon.
ALTER TABLE fix_candidates RENAME TO fix_candidates_before;
CREATE TABLE fix_candidates (
    patch INTEGER NOT NULL REFERENCES patches (id),
    device INTEGER NOT NULL REFERENCES devices (id),
    at INTEGER NOT NULL,
    PRIMARY KEY (patch, device)
) STRICT, WITHOUT ROWID;
INSERT INTO fix_candidates (patch, device, at) SELECT patch, device, at FROM fix_candidates_before;
DROP TABLE fix_candidates_before;
CREATE INDEX fix_candidates_by_time ON fix_candidates (at, device, patch);
