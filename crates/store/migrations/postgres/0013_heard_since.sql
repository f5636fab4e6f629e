-- Since when a device is heard from without a long silence.
ALTER TABLE devices ADD COLUMN heard_since BIGINT NOT NULL DEFAULT 0;
