-- What is pushed into this server's own feed is a source of the catalog like any other.
INSERT INTO sources (id, kind, location, name, priority, enabled)
VALUES (0, 'own', '/feed/v2/', 'This server''s feed', 0, 1);
