-- Requests a minute that the source's operator allows (NULL: what public hosts get), and the
-- generation of Chocolatey that its packages are for (NULL: either).
ALTER TABLE sources ADD COLUMN per_minute BIGINT;
ALTER TABLE sources ADD COLUMN dialect TEXT COLLATE "C";
