import type { Meter } from '@opentelemetry/api';
import type { Options } from '../config/options.ts';
import type { Collector } from './collector.ts';
import { applicationsCollector } from './applications/collector.ts';
import { applicationModel } from './applications/model.ts';
import type { ContainerModel } from './containers/collector.ts';
import { containerInfoCollector } from './containers/info.ts';
import { restartsCollector } from './containers/restarts.ts';
import { watchContainers } from './containers/watch.ts';
import type { Features } from './features.ts';
import type { Clock } from './host/clock.ts';
import { textReader } from './host/texts.ts';
import type { HostView } from './host/view.ts';
import { findCgroup2Root } from './kernel/cgroup2-root.ts';
import { findControllers } from './kernel/controllers.ts';
import { findHierarchy } from './kernel/hierarchy.ts';
import { startKernel, type Kernel } from './kernel/kernel.ts';
import { followNat } from './kernel/nat-namespaces.ts';
import { maxNetworks } from './kernel/networks.ts';
import { sharedReading } from './kernel/shared-reading.ts';
import { startLatency } from './latency/start.ts';
import { startLogs, type Logs } from './logs/start.ts';
import type { Addon } from './native/addon.ts';
import { listensCollector } from './listens/collector.ts';
import { listenModel } from './listens/model.ts';
import { namespaces } from './listens/namespaces.ts';
import { overflows } from './listens/overflows.ts';
import type { ListedContainer } from './model/containers.ts';
import type { LogExportSettings } from './model/log-export.ts';
import { pidsOf } from './model/processes.ts';
import { publicNetworksOf } from './node/interfaces.ts';
import type { InterfaceSource } from './node/net.ts';
import { oomCollector } from './oom/collector.ts';
import { oomModel } from './oom/model.ts';
import { resourcesCollector } from './resources/collector.ts';
import { delayFeatures } from './resources/delay-features.ts';
import { procfsTasks } from './resources/procfs-tasks.ts';
import { taskModel } from './resources/tasks.ts';
import { monotonicNs, tcpCollector } from './tcp/collector.ts';
import { networkFilter, networksOf } from './tcp/filters.ts';
import { ignoredPortBits } from './tcp/ports.ts';
import { connectionSource } from './tcp/source.ts';
import { volumesCollector } from './volumes/collector.ts';
import { ioSource } from './volumes/io.ts';
import { ioReadings } from './volumes/io-readings.ts';
import { volumeModel } from './volumes/model.ts';
import { readNames } from './volumes/names.ts';
import { openFileSightings } from './volumes/open-files.ts';
import { toldSightings } from './volumes/sightings.ts';
import { spotReader } from './volumes/spots.ts';
import { viewer } from './volumes/views.ts';

/** Who runs on the node, and what the kernel counts of them. */
export interface Tracing {
  readonly kernel: Kernel;
  readonly containers: ContainerModel;
  readonly collectors: readonly Collector[];
  /** What the features work by, of several that kernels may have: the labels of `node_agent_kernel_source`. */
  readonly sources: ReadonlyMap<string, string>;
  /** Reads and counts what is still to be read; before the last export. */
  settle(): Promise<void>;
  /** Detaches the programs. Idempotent. */
  close(): void;
}

/** Starts everything that hangs on containers. What the kernel or our rights do not allow is a feature switched off. */
export async function startTracing(deps: {
  meter: Meter;
  addon: Addon | undefined;
  view: HostView;
  interfaces: InterfaceSource;
  options: Options;
  features: Features;
  clock: Clock;
  /** A container runtime fails (with the reason), or works again. */
  onRuntimeState: (runtime: string, failure: unknown, ofUser?: boolean) => void;
  /** Something about logs that the operator should know. */
  onLogProblem: (text: string) => void;
  /** Where log messages are sent, and whether they can be. */
  exportLogsTo: LogExportSettings | undefined;
  onLogExports: (works: boolean, reason: string) => void;
  /** How often somebody has scraped, or taken what was pushed. */
  reads: () => number;
}): Promise<Tracing> {
  const { meter, addon, view, options, features, clock } = deps;
  const { paths } = view;
  const cgroup2Root = findCgroup2Root(paths);
  const hierarchy = findHierarchy(paths, cgroup2Root);
  const read = textReader(addon);
  const parts: { logs?: Logs } = {};
  const watch = watchContainers({
    rules: {
      skipSystemServices: options.skipSystemdSystemServices,
      trackScopes: options.trackScopes,
      maxContainers: options.maxContainers,
      minAgeMs: options.minContainerAgeMs,
      allow: options.containerAllowlist,
      deny: options.containerDenylist,
    },
    mountPoint: hierarchy.mountPoint,
    paths,
    clock,
    read,
    onRuntimeState: deps.onRuntimeState,
    onStart: () => parts.logs?.onStart(),
    onLogFile: (container) => parts.logs?.onLogFile(container),
  });
  const limits = {
    hostNetnsInode: view.netNamespaceInode,
    ignoredPorts: ignoredPortBits(options.ephemeralPortRanges),
  };
  const nowMs = (): number => clock.monotonic();
  const { directory } = watch;
  const controllers = findControllers(paths, hierarchy, cgroup2Root);
  const isTold = (): boolean => features.get('oom_kills')?.reason === '';
  const oom = oomModel({ containers: directory, controllers, read, nowMs, isTold });
  const ownNetworks = publicNetworksOf(await deps.interfaces().catch(() => []));
  const networks = networksOf([...options.trackPublicNetworks, ...ownNetworks]);
  const kernel = await startKernel({
    addon,
    paths,
    features,
    hierarchy,
    tcp: {
      cgroup2Root,
      ...limits,
      networks,
      source: options.tcpSource,
      maxDestinations: options.maxDestinations,
      maxCounts: options.maxNodeDestinations,
    },
    nat: {
      hostNamespace: view.sharesNetwork ? null : (view.netNamespace ?? undefined),
      enablesEvents: options.enableConntrackEvents,
    },
    onCgroupEvents: (events) => watch.onEvents(events),
    onOomKills: (cgroupIds) => oom.onKills(cgroupIds),
  });
  // After the events are attached, so that no cgroup falls between the two.
  await watch.walk();
  await watch.askedOnce();
  const logs = startLogs(meter, {
    ...{
      addon,
      paths,
      containers: directory,
      mountPoint: hierarchy.mountPoint,
      read,
      features,
      options,
      nowMs,
    },
    onProblem: deps.onLogProblem,
    exportTo: deps.exportLogsTo,
    onExports: deps.onLogExports,
  });
  if (logs) parts.logs = logs;

  const stopNat =
    kernel.nat &&
    followNat(kernel.nat, {
      containers: directory,
      mountPoint: hierarchy.mountPoint,
      proc: paths.proc,
      read,
      except: [view.netNamespaceInode],
      nowMs,
    });
  // What the programs have counted has passed already, and by what they alone know.
  const isFiltered = kernel.tcp?.walks === true && networks.length <= maxNetworks;
  const keeps = isFiltered ? () => true : networkFilter(networks);
  const procfs = { proc: paths.proc, hierarchy, addon, ...limits };
  const { program, sources } = connectionSource(kernel.tcp, procfs);
  const tasks = taskModel({
    source: kernel.tasks ?? procfsTasks({ containers: directory, hierarchy, proc: paths.proc, read }),
    directory,
    nowMs,
  });
  const onLook = delayFeatures(paths.proc, features);
  onLook();
  const readOnce = sharedReading(program.read);
  const tcp = tcpCollector(meter, { program: { ...program, read: readOnce }, directory, keeps });
  const pidsOfAll = (containers: readonly ListedContainer[]): Promise<string[][]> =>
    pidsOf(containers, hierarchy.mountPoint, read);
  const listens = listensCollector(meter, {
    ...limits,
    read: readOnce,
    containers: directory,
    model: listenModel({
      directory,
      take: (key) => program.take('tcp_listens', key),
      nowNs: monotonicNs,
    }),
    namespaces: namespaces({ addon, view, pidsOf: pidsOfAll, nowMs }),
    overflows: overflows({ proc: paths.proc, read, pidsOf: pidsOfAll, nowMs }),
  });
  const onProcesses = { mountPoint: hierarchy.mountPoint, proc: paths.proc, read, nowMs };
  const latency = await startLatency(meter, {
    ...onProcesses,
    addon,
    features,
    isWanted: !options.disablePinger,
    upstreams: tcp.upstreams,
    containers: directory,
    reads: deps.reads,
  });
  const readMounts = textReader(addon, 1 << 20, 'utf8');
  const volumes = volumeModel({
    containers: directory,
    sightings:
      kernel.volumes === undefined
        ? openFileSightings({ containers: directory, ...onProcesses })
        : toldSightings(kernel.volumes, directory, nowMs),
    views: viewer({ ...onProcesses, readMounts }),
    spots: spotReader(addon),
    names: () => readNames(paths.proc, readMounts),
    all: options.allVolumes,
    nowMs,
  });
  return {
    kernel,
    containers: {
      size: () => watch.size(),
      unnamed: () => watch.unnamed(),
      unattributedKills: () => oom.unattributed(),
      folded: () => watch.folded(),
      hiddenContainers: () => watch.hidden(),
      refused: () => watch.refused(),
      refusedVolumes: () => volumes.refused(),
      hidden: () => tcp.hidden(),
    },
    collectors: [
      tcp,
      listens,
      ...(latency ? [latency] : []),
      ...(logs ? [logs.collector] : []),
      containerInfoCollector(meter, directory),
      restartsCollector(meter, directory),
      resourcesCollector(meter, { containers: directory, controllers, read, tasks, onLook, nowMs }),
      volumesCollector(meter, volumes, ioReadings(ioSource(controllers), read, nowMs)),
      oomCollector(meter, oom),
      applicationsCollector(
        meter,
        directory,
        applicationModel({ ...onProcesses, readLines: textReader(addon, 16 << 10) }),
      ),
    ],
    sources: new Map<string, string>([...sources, ['delays', kernel.tasks?.object ?? 'procfs']]),
    settle: async () => logs?.settle(),
    close() {
      stopNat?.();
      latency?.close();
      watch.close();
      kernel.close();
    },
  };
}
