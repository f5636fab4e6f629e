-- When a scan found last what is stored, also where nothing had changed; and when the last scan failed,
-- and why: NULL and empty where it did not.
ALTER TABLE devices ADD COLUMN scanned_at BIGINT;
ALTER TABLE devices ADD COLUMN scan_failed_at BIGINT;
ALTER TABLE devices ADD COLUMN scan_failure TEXT COLLATE "C" NOT NULL DEFAULT '';
UPDATE devices SET scanned_at = inventory_at;
