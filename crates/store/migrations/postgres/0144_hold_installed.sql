-- The version that detection found on the device when the hold began; NULL: it is not known.
ALTER TABLE holds ADD COLUMN installed TEXT COLLATE "C";
