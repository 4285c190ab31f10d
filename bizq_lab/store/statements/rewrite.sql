-- rewrite: one table of a new log, from the rows of the earlier one.
INSERT INTO __table__ BY NAME
__rows__;
