-- Since when no device has an application, and since when no device lacks a patch that nobody decided
-- about; NULL: not known to be so. The indexes are for what refers to rows that are taken away.
ALTER TABLE software ADD COLUMN unnamed_since INTEGER;
ALTER TABLE patches ADD COLUMN unnamed_since INTEGER;
CREATE INDEX missing_by_grounds ON missing (grounds);
CREATE INDEX observations_by_software ON observations (software);
CREATE INDEX deployments_by_patch ON deployments (patch);
CREATE INDEX holds_by_patch ON holds (patch);
