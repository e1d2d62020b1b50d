import assert from 'node:assert/strict';
import { test } from 'node:test';
import { interpreterOf, typeOf } from './types.ts';

const java = (main: string): string => `/usr/bin/java\0-Xmx1g\0-cp\0/lib/*\0${main}\0config\0`;

const table: readonly [line: string, type: string | undefined][] = [
  ['/usr/bin/coroot\0', 'coroot-community-edition'],
  ['/usr/bin/coroot-ee\0', 'coroot-enterprise-edition'],
  ['coroot-node-agent\0--listen=:80\0', 'coroot-node-agent'],
  ['coroot-cluster-agent\0', 'coroot-cluster-agent'],
  ['/coroot-operator\0', 'coroot-operator'],
  ['memcached\0-u\0nobody\0', 'memcached'],
  ['/usr/local/bin/envoy\0', 'envoy'],
  [java('org.elasticsearch.bootstrap.Elasticsearch'), 'elasticsearch'],
  [java('org.opensearch.bootstrap.OpenSearch'), 'opensearch'],
  [java('kafka.Kafka'), 'kafka'],
  [java('io.confluent.support.metrics.SupportedKafka'), 'kafka'],
  ['/usr/bin/mongod\0--config\0', 'mongodb'],
  ['mongos\0', 'mongos'],
  ['/usr/sbin/mysqld\0', 'mysql'],
  ['mariadbd\0', 'mysql'],
  ['/opt/mssql/bin/sqlservr\0', 'mssql'],
  [java('org.apache.zookeeper.server.quorum.QuorumPeerMain'), 'zookeeper'],
  ['redis-server *:6379\0', 'redis'],
  ['/usr/bin/redis-sentinel *:26379 [sentinel]\0', 'redis-sentinel'],
  ['keydb-server\0', 'keydb'],
  ['valkey-server *:6379\0', 'valkey'],
  ['dragonfly\0', 'dragonfly'],
  ['/usr/lib/erlang/erts/bin/beam.smp\0-W\0w\0rabbit@host\0', 'rabbitmq'],
  ['/opt/couchbase/lib/erlang/erts/bin/beam.smp\0-ns\0', 'couchbase'],
  ['/usr/lib/erlang/erts/bin/beam.smp\0', undefined],
  ['pgbouncer\0', 'pgbouncer'],
  ['postgres: checkpointer \0', 'postgres'],
  ['/usr/lib/postgresql/16/bin/postgres\0-D\0', 'postgres'],
  ['haproxy\0', 'haproxy'],
  ['nginx: master process nginx -g daemon off;\0', 'nginx'],
  ['c:\\windows\\w3wp\0', 'dotnet'],
  ['/usr/bin/kubelet\0--config\0', 'kubelet'],
  ['kube-apiserver\0', 'kube-apiserver'],
  ['kube-controller-manager\0', 'kube-controller-manager'],
  ['kube-scheduler\0', 'kube-scheduler'],
  ['/usr/local/bin/k3s\0server\0', 'k3s'],
  ['etcd\0', 'etcd'],
  ['/usr/bin/dockerd\0', 'dockerd'],
  ['consul\0agent\0', 'consul'],
  [java('org.apache.cassandra.service.CassandraDaemon'), 'cassandra'],
  ['/usr/bin/clickhouse-server\0', 'clickhouse'],
  ['traefik\0', 'traefik'],
  ['/usr/bin/asd\0', 'aerospike'],
  ['httpd\0', 'httpd'],
  ['/usr/sbin/apache\0', 'httpd'],
  ['influxd\0', 'influxdb'],
  [java('org.apache.catalina.startup.Bootstrap'), 'tomcat'],
  ['vault\0server\0', 'vault'],
  ['proxysql\0', 'proxysql'],
  ['/cockroach/cockroach\0start\0', 'cockroach'],
  ['/bin/prometheus\0', 'prometheus'],
  ['ceph-osd\0', 'ceph'],
  ['/usr/local/bin/cephcsi\0', 'ceph'],
  ['rook\0ceph\0', 'rook'],
  ['nats-server\0', 'nats'],
  [java('com.example.Main'), 'java'],
  ['ollama\0serve\0', 'ollama'],
  ['fdbserver\0', 'foundationdb'],
  ['/victoria-metrics-prod\0', 'victoria-metrics'],
  ['/vmstorage-prod\0', 'victoria-metrics'],
  ['/victoria-logs-prod\0', 'victoria-logs'],
  ['php-fpm8.2: pool www\0', 'php'],
  ['php-fpm: master process (/etc/php-fpm.conf)\0', 'php'],
  ['/usr/bin/php8.2\0index.php\0', 'php'],
  ['python3.11\0app.py\0', 'python'],
  ['/usr/local/bin/node\0server.js\0', 'nodejs'],
  ['nodejs\0', 'nodejs'],
  ['ruby2.7\0app.rb\0', 'ruby'],
  ['/bin/sh\0-c\0sleep 1\0', undefined],
  ['', undefined],
  ['\0\0', undefined],
];

test('every command line has its type', () => {
  for (const [line, type] of table) assert.equal(typeOf(line), type, JSON.stringify(line));
});

test('an interpreter is known by its file, too', () => {
  assert.equal(interpreterOf('/usr/bin/python3.12'), 'python');
  assert.equal(interpreterOf('/usr/bin/node'), 'nodejs');
  assert.equal(interpreterOf('/usr/bin/bash'), undefined);
});
