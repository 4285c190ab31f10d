-- earlier_file: one archived file, under the name by which rewriting asks for a table's rows.
CREATE OR REPLACE VIEW earlier.__table__ AS SELECT * FROM __source__;
