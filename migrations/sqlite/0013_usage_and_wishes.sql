-- What operators want to see: what each run used of its limits, what each version of a plugin asks for, and who signed it.

-- JSON object, by limit; null for results that are older.
alter table results add column usage text;

-- JSON object: the manifest, and the capabilities that the component imports; null for versions that are older.
alter table plugin_versions add column wishes text;

-- The trusted key, in hexadecimal, that the component was signed with when it was uploaded.
alter table plugin_versions add column signed_by text;
