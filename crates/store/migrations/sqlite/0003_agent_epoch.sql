-- Which state of the agent counts the reports. Empty: one that an agent of protocol 1 made.
ALTER TABLE agent_reports ADD COLUMN epoch TEXT NOT NULL DEFAULT '';
