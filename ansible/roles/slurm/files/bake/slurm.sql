-- Run by MariaDB at every start: slurmdbd's database, for the Unix account slurm and nobody else.
CREATE DATABASE IF NOT EXISTS slurm_acct_db;
CREATE USER IF NOT EXISTS slurm@localhost IDENTIFIED VIA unix_socket;
GRANT ALL PRIVILEGES ON slurm_acct_db.* TO slurm@localhost;
