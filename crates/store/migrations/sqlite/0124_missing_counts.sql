-- How many devices of a system type lack a patch. Kept in the transactions that change 'missing', devices'
-- system types, and which devices there are. A row with 0 stays: devices of that type lacked the patch once.
CREATE TABLE missing_counts (
    patch INTEGER NOT NULL REFERENCES patches (id),
    system_type TEXT NOT NULL,
    place INTEGER NOT NULL GENERATED ALWAYS AS (CASE system_type WHEN 'normal' THEN 0 ELSE 1 END) STORED,
    devices INTEGER NOT NULL,
    PRIMARY KEY (patch, system_type)
) STRICT, WITHOUT ROWID;
CREATE INDEX missing_counts_by_devices ON missing_counts (devices DESC, patch, place);
INSERT INTO missing_counts (patch, system_type, devices)
SELECT m.patch, d.system_type, COUNT(*)
FROM missing AS m JOIN devices AS d ON d.id = m.device GROUP BY m.patch, d.system_type;
-- Which type had lacked what is fixed everywhere was not kept.
INSERT INTO missing_counts (patch, system_type, devices)
SELECT p.id, 'normal', 0 FROM patches AS p
WHERE p.first_fixed IS NOT NULL
  AND NOT EXISTS (SELECT 1 FROM missing_counts AS c WHERE c.patch = p.id);
