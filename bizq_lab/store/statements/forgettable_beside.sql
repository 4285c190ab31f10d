-- forgettable_beside: when the first task of a workspace was decided (NULL where it has none), and how many refused
-- lines hold bytes, of whomever.
-- grain:   one row
-- params:  workspace_id
SELECT
    (SELECT min(decided_at_us) FROM task_outcome WHERE workspace_id = $workspace_id) AS first_us,
    (SELECT count(*) FROM quarantine WHERE octet_length(line) > 0) AS refused;
