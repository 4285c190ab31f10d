-- Each step of a rollout says what it was decided on.
ALTER TABLE config_version ADD COLUMN evidence JSON;
