-- Since when a device is heard from without a long silence.
ALTER TABLE devices ADD COLUMN heard_since INTEGER NOT NULL DEFAULT 0;
