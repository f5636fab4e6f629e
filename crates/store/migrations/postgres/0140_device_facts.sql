-- What agents say of their machines with each check-in: time zone, place in the network, and what they
-- can do there. Lists are JSON arrays of texts. facts_at: since when it is so; NULL where an agent never
-- said it.
ALTER TABLE devices ADD COLUMN time_zone TEXT COLLATE "C" NOT NULL DEFAULT '';
ALTER TABLE devices ADD COLUMN addresses TEXT COLLATE "C" NOT NULL DEFAULT '[]';
ALTER TABLE devices ADD COLUMN gateways TEXT COLLATE "C" NOT NULL DEFAULT '[]';
ALTER TABLE devices ADD COLUMN abilities TEXT COLLATE "C" NOT NULL DEFAULT '[]';
ALTER TABLE devices ADD COLUMN facts_at BIGINT;
