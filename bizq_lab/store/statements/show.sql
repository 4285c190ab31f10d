-- show: more or fewer rows of a table, under its own name.
CREATE OR REPLACE TEMP VIEW __table__ AS SELECT * FROM __source__;
