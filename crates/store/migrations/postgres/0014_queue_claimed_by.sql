-- Which server works on it, so that its next life need not wait for its last one.
ALTER TABLE queue ADD COLUMN claimed_by TEXT COLLATE "C";
