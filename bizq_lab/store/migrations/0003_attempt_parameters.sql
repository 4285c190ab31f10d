-- 0003_attempt_parameters: what was decided beside what was sent.

ALTER TABLE attempt ADD COLUMN requested_parameters JSON;
ALTER TABLE attempt ADD COLUMN sent_parameters JSON;
