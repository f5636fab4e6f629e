-- That the server refused what a device's agent asked for last: when, what it was, and why. NULL: it did not.
ALTER TABLE devices ADD COLUMN refused_at BIGINT;
ALTER TABLE devices ADD COLUMN refused TEXT NOT NULL DEFAULT '';
ALTER TABLE devices ADD COLUMN refusal TEXT NOT NULL DEFAULT '';
