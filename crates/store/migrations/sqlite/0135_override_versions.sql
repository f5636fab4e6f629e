-- Of what registers this version, which version of the package it is; empty where that is not what is said.
ALTER TABLE overrides ADD COLUMN registered TEXT NOT NULL DEFAULT '';
ALTER TABLE overrides ADD COLUMN version TEXT NOT NULL DEFAULT '';
