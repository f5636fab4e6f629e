-- Seconds between two reads of a source that a person set.
ALTER TABLE sources ADD COLUMN every_seconds BIGINT;
