-- When a source is read next and why then; what its last read left out (JSON, capped), and how many.
ALTER TABLE sources ADD COLUMN failures BIGINT NOT NULL DEFAULT 0;
ALTER TABLE sources ADD COLUMN next_read_at BIGINT;
ALTER TABLE sources ADD COLUMN next_read_why TEXT COLLATE "C" NOT NULL DEFAULT '';
ALTER TABLE sources ADD COLUMN skipped TEXT COLLATE "C" NOT NULL DEFAULT '[]';
ALTER TABLE sources ADD COLUMN skipped_count BIGINT NOT NULL DEFAULT 0;

-- What a source is read with. The password is sealed with a key outside of the database.
ALTER TABLE sources ADD COLUMN user_name TEXT COLLATE "C";
ALTER TABLE sources ADD COLUMN sealed_password TEXT COLLATE "C";

-- Why a nupkg cannot be had or read, after how many tries, and when it is tried again (never by
-- itself where that is NULL).
ALTER TABLE packages ADD COLUMN problem TEXT COLLATE "C";
ALTER TABLE packages ADD COLUMN problem_tries BIGINT NOT NULL DEFAULT 0;
ALTER TABLE packages ADD COLUMN problem_retry_at BIGINT;

-- Which version of the package brings the product: an MSI's own version may be another.
ALTER TABLE package_products ADD COLUMN package_version TEXT COLLATE "C";

-- Hosts that asked to be left alone.
CREATE TABLE host_pauses (
    host TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    until BIGINT NOT NULL,
    cause TEXT COLLATE "C" NOT NULL,
    is_ban BIGINT NOT NULL
);

-- Scripts that were not explained are looked at once more: the analysis may know more by now.
UPDATE packages SET verdict = NULL, analysis = NULL, analysed_at = NULL
WHERE verdict = 'needs_review';
