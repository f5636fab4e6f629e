-- How many entries the next read of a source must come by to count as whole without a question: apart
-- from what the last read came by, which may have been less than the source has.
ALTER TABLE sources ADD COLUMN measure BIGINT;
UPDATE sources SET measure = last_entries;
