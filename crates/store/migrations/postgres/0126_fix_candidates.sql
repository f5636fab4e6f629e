-- Patches that devices do not lack any more, some devices each: whether one of them has it is looked at soon.
ALTER TABLE fix_candidates DROP CONSTRAINT fix_candidates_pkey;
ALTER TABLE fix_candidates ADD PRIMARY KEY (patch, device);
CREATE INDEX fix_candidates_by_time ON fix_candidates (at, device, patch);
