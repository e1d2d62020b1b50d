/** Which software a process is, by its command line. Pure. */

interface Words {
  /** The program as the process names it: its first argument up to a blank, without a colon at the end. */
  readonly program: string;
  /** The whole command line, arguments behind NUL each. */
  readonly line: string;
}
type Rule = readonly [type: string, matches: (words: Words) => boolean];

const ends =
  (...suffixes: readonly string[]) =>
  ({ program }: Words): boolean =>
    suffixes.some((suffix) => program.endsWith(suffix));
const contains =
  (...parts: readonly string[]) =>
  ({ line }: Words): boolean =>
    parts.some((part) => line.includes(part));
const names =
  (...parts: readonly string[]) =>
  ({ program }: Words): boolean =>
    parts.some((part) => program.includes(part));
/** Types that are called like their program. */
const called = (...types: readonly string[]): Rule[] => types.map((type) => [type, ends(type)]);

/** The first that matches counts. */
const rules: readonly Rule[] = [
  ['coroot-community-edition', ends('coroot')],
  ['coroot-enterprise-edition', ends('coroot-ee')],
  ...called('coroot-node-agent', 'coroot-cluster-agent', 'coroot-operator', 'memcached', 'envoy'),
  ['elasticsearch', contains('org.elasticsearch.bootstrap')],
  ['opensearch', contains('org.opensearch.bootstrap')],
  ['kafka', contains('kafka.Kafka', 'io.confluent.support.metrics.SupportedKafka')],
  ['mongodb', ends('mongod')],
  ['mongos', ends('mongos')],
  ['mysql', ends('mysqld', 'mariadbd')],
  ['mssql', ends('sqlservr')],
  ['zookeeper', contains('org.apache.zookeeper.server.quorum.QuorumPeerMain')],
  ['redis', ends('redis-server')],
  ['redis-sentinel', ends('redis-sentinel')],
  ['keydb', ends('keydb-server')],
  ['valkey', ends('valkey-server')],
  ['dragonfly', ends('dragonfly')],
  ['rabbitmq', (words) => ends('beam.smp')(words) && contains('rabbit')(words)],
  ['couchbase', (words) => ends('beam.smp')(words) && contains('couch')(words)],
  ...called('pgbouncer', 'postgres', 'haproxy', 'nginx'),
  ['dotnet', ends('w3wp')],
  ...called('kubelet', 'kube-apiserver', 'kube-controller-manager', 'kube-scheduler', 'k3s'),
  ...called('etcd', 'dockerd', 'consul'),
  ['cassandra', contains('org.apache.cassandra.service.CassandraDaemon')],
  ['clickhouse', ends('clickhouse-server')],
  ...called('traefik'),
  ['aerospike', ends('asd')],
  ['httpd', ends('httpd', 'apache')],
  ['influxdb', ends('influxd')],
  ['tomcat', contains('org.apache.catalina.startup.Bootstrap')],
  ...called('vault', 'proxysql', 'cockroach', 'prometheus'),
  ['ceph', ends('ceph-mon', 'ceph-mgr', 'ceph-osd', 'cephcsi')],
  ...called('rook'),
  ['nats', ends('nats-server')],
  ...called('java', 'ollama'),
  ['foundationdb', ends('fdbserver')],
  ['victoria-metrics', names('victoria-metrics', 'vmstorage', 'vminsert', 'vmselect')],
  ['victoria-logs', names('victoria-logs')],
];

/** Interpreters, with a version behind the name; also by the program file, since scripts rename themselves. */
const interpreters: readonly (readonly [type: string, pattern: RegExp])[] = [
  ['php', /php(-fpm|-cgi)?[\d.]*$/],
  ['python', /python[\d.]*$/],
  ['nodejs', /node(js)?[\d.]*$/],
  ['ruby', /ruby[\d.]*$/],
];

/** The type of a process by `/proc/<pid>/cmdline`, undefined for one that is not known. */
export function typeOf(commandLine: string): string | undefined {
  const [first = ''] = commandLine.split('\0', 1);
  const program = (first.trim().split(/\s/, 1)[0] ?? '').replace(/:$/, '');
  const words = { program, line: commandLine };
  return rules.find(([, matches]) => matches(words))?.[0] ?? interpreterOf(program);
}

/** The same by the file of the program, the target of `/proc/<pid>/exe`: interpreters alone. */
export function interpreterOf(program: string): string | undefined {
  return interpreters.find(([, pattern]) => pattern.test(program))?.[0];
}
