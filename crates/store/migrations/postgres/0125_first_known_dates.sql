-- When a patch was published and came into the catalog, as it was known first: the package may be another
-- source's tomorrow, or be gone.
ALTER TABLE patches ADD COLUMN published TEXT;
ALTER TABLE patches ADD COLUMN catalog_seen BIGINT;
UPDATE patches SET
    published = (SELECT k.published FROM packages AS k WHERE k.id = patches.package),
    catalog_seen = (SELECT k.first_seen FROM packages AS k WHERE k.id = patches.package)
WHERE package IS NOT NULL;
