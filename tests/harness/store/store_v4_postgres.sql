CREATE TABLE nasboard_schema (
	version INTEGER NOT NULL
);
CREATE TABLE owners (
	owner TEXT NOT NULL,
	beat_s DOUBLE PRECISION NOT NULL,
	PRIMARY KEY (owner)
);
CREATE TABLE panels (
	identity TEXT NOT NULL,
	name TEXT NOT NULL,
	space TEXT NOT NULL,
	slots INTEGER NOT NULL,
	archs BYTEA NOT NULL,
	width INTEGER DEFAULT '1' NOT NULL,
	PRIMARY KEY (identity)
);
CREATE TABLE runs (
	no BIGSERIAL NOT NULL,
	run_id TEXT NOT NULL,
	key TEXT NOT NULL,
	label TEXT NOT NULL,
	cost_kind TEXT NOT NULL,
	status TEXT NOT NULL,
	owner TEXT,
	error TEXT,
	last_step INTEGER NOT NULL,
	last_spec BIGINT,
	cost_s DOUBLE PRECISION NOT NULL,
	wall_s DOUBLE PRECISION NOT NULL,
	queries INTEGER NOT NULL,
	provenance TEXT NOT NULL,
	PRIMARY KEY (no),
	UNIQUE (run_id)
);
CREATE TABLE specs (
	no BIGSERIAL NOT NULL,
	spec TEXT NOT NULL,
	PRIMARY KEY (no),
	UNIQUE (spec)
);
CREATE TABLE rankings (
	no BIGSERIAL NOT NULL,
	run BIGINT NOT NULL,
	step INTEGER NOT NULL,
	whole BOOLEAN NOT NULL,
	cost_s DOUBLE PRECISION NOT NULL,
	scores BYTEA NOT NULL,
	width INTEGER DEFAULT '4' NOT NULL,
	PRIMARY KEY (no),
	UNIQUE (run, whole, step),
	FOREIGN KEY(run) REFERENCES runs (no)
);
CREATE TABLE states (
	run BIGINT NOT NULL,
	step INTEGER NOT NULL,
	queries INTEGER NOT NULL,
	state BYTEA NOT NULL,
	PRIMARY KEY (run),
	FOREIGN KEY(run) REFERENCES runs (no)
);
CREATE TABLE steps (
	run BIGINT NOT NULL,
	step INTEGER NOT NULL,
	cost_s DOUBLE PRECISION NOT NULL,
	wall_s DOUBLE PRECISION NOT NULL,
	spec BIGINT,
	changed BOOLEAN NOT NULL,
	logs TEXT,
	test_accuracy DOUBLE PRECISION,
	PRIMARY KEY (run, step),
	FOREIGN KEY(run) REFERENCES runs (no)
);
CREATE TABLE visits (
	run BIGINT NOT NULL,
	first INTEGER NOT NULL,
	n INTEGER NOT NULL,
	archs BYTEA NOT NULL,
	epochs BYTEA NOT NULL,
	val_accuracy BYTEA NOT NULL,
	cost_s BYTEA NOT NULL,
	width INTEGER DEFAULT '1' NOT NULL,
	PRIMARY KEY (run, first),
	FOREIGN KEY(run) REFERENCES runs (no)
);
CREATE INDEX steps_logged ON steps (run) WHERE logs IS NOT NULL;
CREATE INDEX steps_changed ON steps (run, step, cost_s, spec) WHERE changed;
CREATE INDEX steps_tested ON steps (run) WHERE test_accuracy IS NOT NULL;
