import type { OtlpProtocol, SdkSettings } from './environment.ts';
import type { OptionName, Values } from './schema.ts';
import type { ListenAddress } from './values/network.ts';
import type { PortRange } from './values/ports.ts';

/** Where to send, and whom to trust. */
interface OtlpOptions {
  /** `http(s)://host:port`; without it the SDK's variables and default decide. */
  readonly endpoint?: string;
  /** Lower-case names. */
  readonly headers: Readonly<Record<string, string>>;
  /** PEM file that is trusted in addition to the authorities of the system. */
  readonly caFile?: string;
  readonly insecureSkipVerify: boolean;
}

/** What the agent is told, validated. Only what has an effect is here. */
export interface Options {
  /** The Prometheus page. */
  readonly listen: ListenAddress;
  readonly prometheus: { readonly enabled: boolean };
  readonly otlp: OtlpOptions & { readonly enabled: boolean };
  /** Where log messages of containers are sent; nowhere without it. The endpoint has a path. */
  readonly otlpLogs?: OtlpOptions & { readonly protocol: OtlpProtocol };
  /** Time between two pushes. */
  readonly scrapeIntervalMs: number;
  /** Families that are left out, by name. */
  readonly disabledMetrics: readonly string[];
  readonly cgroupfsRoot: string;
  /** Both match anywhere in the container_id; the denylist is asked first. */
  readonly containerAllowlist?: RegExp;
  readonly containerDenylist?: RegExp;
  readonly minContainerAgeMs: number;
  readonly maxContainers: number;
  readonly skipSystemdSystemServices: boolean;
  readonly trackScopes: boolean;
  /** Also mounts that no container wrote to. */
  readonly allVolumes: boolean;
  /** Networks in CIDR notation, as written. */
  readonly trackPublicNetworks: readonly string[];
  readonly ephemeralPortRanges: readonly PortRange[];
  readonly maxDestinations: number;
  readonly maxNodeDestinations: number;
  readonly tcpSource: Values['tcp-source'];
  readonly enableConntrackEvents: boolean;
  readonly disablePinger: boolean;
  /** Overrides; empty where there is none. */
  readonly cloud: {
    readonly provider: string;
    readonly region: string;
    readonly availabilityZone: string;
    readonly instanceType: string;
    readonly instanceLifeCycle: string;
  };
  readonly disableTerminationNotices: boolean;
  /** How logs of containers are read. */
  readonly logs: {
    readonly enabled: boolean;
    readonly json: boolean;
    readonly patternLimit: number;
    /** Messages a second of a container; 0 has no limit. */
    readonly extractionLimit: number;
    /** Share of one core; 0 has no limit. */
    readonly cpuBudget: number;
    readonly maxSampleBytes: number;
    readonly masks: boolean;
  };
  /** What outlives a restart is there. */
  readonly stateDirectory?: string;
  readonly log: { readonly level: Values['log-level']; readonly perSecond: number; readonly burst: number };
}

/** The page moves here while metrics have an endpoint and nobody said where to listen, as in the reference. */
const listenBesidePush: ListenAddress = { host: '127.0.0.1', port: 10300 };

/** `isSet` says whether any source mentions an option. */
export function toOptions(values: Values, isSet: (option: OptionName) => boolean, sdk: SdkSettings): Options {
  const endpoint = values['metrics-endpoint'] ?? values['collector-endpoint'];
  const otlp = {
    headers: values['api-key'] === '' ? {} : { 'x-api-key': values['api-key'] },
    ...(values['ca-file'] !== '' && { caFile: values['ca-file'] }),
    insecureSkipVerify: values['insecure-skip-verify'],
  };
  const logs = logsTargetOf(values, sdk);
  const allowlist = values['container-allowlist'];
  const denylist = values['container-denylist'];
  return {
    listen: endpoint !== undefined && !isSet('listen') ? listenBesidePush : values.listen,
    prometheus: { enabled: sdk.prometheus },
    otlp: { enabled: sdk.otlp, ...(endpoint !== undefined && { endpoint }), ...otlp },
    ...(logs !== undefined && { otlpLogs: { ...logs, ...otlp } }),
    scrapeIntervalMs: sdk.intervalMs ?? values['scrape-interval'],
    disabledMetrics: values['disable-metric'],
    cgroupfsRoot: values['cgroupfs-root'],
    ...(allowlist && { containerAllowlist: allowlist }),
    ...(denylist && { containerDenylist: denylist }),
    minContainerAgeMs: values['min-container-age'],
    maxContainers: values['max-containers'],
    skipSystemdSystemServices: values['skip-systemd-system-services'],
    trackScopes: values['track-scopes'],
    allVolumes: values['all-volumes'],
    trackPublicNetworks: values['track-public-network'],
    ephemeralPortRanges: values['ephemeral-port-range'],
    maxDestinations: values['max-destinations'],
    maxNodeDestinations: values['max-node-destinations'],
    tcpSource: values['tcp-source'],
    enableConntrackEvents: values['enable-conntrack-events'],
    disablePinger: values['disable-pinger'],
    cloud: {
      provider: values.provider,
      region: values.region,
      availabilityZone: values['availability-zone'],
      instanceType: values['instance-type'],
      instanceLifeCycle: values['instance-life-cycle'],
    },
    disableTerminationNotices: values['disable-termination-notices'],
    logs: {
      enabled: !values['disable-log-parsing'],
      json: !values['disable-json-log-parsing'],
      patternLimit: values['log-patterns-per-container'],
      extractionLimit: values['log-pattern-extraction-limit'],
      cpuBudget: values['log-cpu-budget'],
      maxSampleBytes: values['max-label-length'],
      masks: values['log-mask'] === 'on',
    },
    ...(values['state-dir'] !== '' && { stateDirectory: values['state-dir'] }),
    log: { level: values['log-level'], perSecond: values['log-per-second'], burst: values['log-burst'] },
  };
}

/** Messages leave if somebody says so for them. What they share with metrics is spoken to as metrics do. */
function logsTargetOf(
  values: Values,
  { logs }: SdkSettings,
): { readonly endpoint?: string; readonly protocol: OtlpProtocol } | undefined {
  const [own, shared] = [values['logs-endpoint'], values['collector-endpoint']];
  const isShared = own === undefined && !logs.hasEndpoint;
  const hasEndpoint = !isShared || shared !== undefined;
  if (!(logs.wanted ?? hasEndpoint)) return undefined;
  const protocol = logs.protocol ?? (isShared ? 'grpc' : 'http/protobuf');
  const endpoint = own ?? (isShared && shared !== undefined ? `${shared}/v1/logs` : undefined);
  return { protocol, ...(endpoint !== undefined && { endpoint }) };
}
