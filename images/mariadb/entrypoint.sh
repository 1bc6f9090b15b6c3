#!/bin/sh
# Makes the database at the first start. A file of statements must have one on each line: of several on one, only the
# first is run, and nothing says so.
set -eu
data=/data/mysql
if [ ! -d "$data/mysql" ]; then
  mariadb-install-db --no-defaults --datadir="$data" --auth-root-authentication-method=normal --skip-test-db >/dev/null
fi
cat > /tmp/init.sql <<SQL
CREATE DATABASE IF NOT EXISTS ${MYSQL_DATABASE} CHARACTER SET utf8mb3;
CREATE USER IF NOT EXISTS '${MYSQL_USER}'@'%' IDENTIFIED BY '${MYSQL_PASSWORD}';
GRANT ALL ON *.* TO '${MYSQL_USER}'@'%';
SQL
exec mariadbd --no-defaults --datadir="$data" --socket=/run/mysqld/mysqld.sock --pid-file=/run/mysqld/mysqld.pid \
  --bind-address=0.0.0.0 --port=3306 --skip-name-resolve --init-file=/tmp/init.sql \
  --max-connections=400 --innodb-flush-log-at-trx-commit=2
