import type { Options } from '../config/options.ts';
import { catalogue } from './catalogue/index.ts';
import { noticeCollector } from './cloud/collector.ts';
import { startCloud } from './cloud/start.ts';
import type { Collector } from './collector.ts';
import { containerModelCollector } from './containers/collector.ts';
import { codeOf, messageOf } from './errors.ts';
import { Features } from './features.ts';
import { systemClock, type Clock } from './host/clock.ts';
import { readIdentity } from './host/identity.ts';
import { hostView } from './host/view.ts';
import { kernelCollector } from './kernel/collector.ts';
import type { Log } from './log.ts';
import type { Addon } from './native/addon.ts';
import { loadAddon } from './native/load.ts';
import { explainer } from './needs/explain.ts';
import { nodeCollectors } from './node/collectors.ts';
import { interfaceSource } from './node/net.ts';
import { shownPlace } from './place.ts';
import { logTarget } from './telemetry/log-target.ts';
import { SnapshotMeter } from './telemetry/meter.ts';
import { startOtlp, type OtlpPush } from './telemetry/otlp.ts';
import { servePage, type Page } from './telemetry/page.ts';
import { pipelineCollector } from './telemetry/pipeline.ts';
import { PrometheusReader } from './telemetry/prometheus.ts';
import { register, type CollectionFigures } from './telemetry/register.ts';
import { serviceName } from './telemetry/resource.ts';
import { agentCollector, featureCollector, processCollector } from './telemetry/self.ts';
import { Snapshots } from './telemetry/snapshot.ts';
import { startTracing, type Tracing } from './tracing.ts';
import { version } from './version.ts';

export interface Agent {
  /** Last export, page closed, programs detached. Idempotent. */
  close(): Promise<void>;
}

/** What the agent runs on. Passed in, so that a captured machine is a test. */
export interface Machine {
  readonly proc: string;
  readonly sys: string;
  readonly clock: Clock;
  /** Throws an AgentError where the addon cannot be had. */
  readonly loadAddon: () => Addon;
}

/** Far below the ten minutes after which what is idle is forgotten. */
const housekeepingMs = 60_000;

/** The default port of the page needs a right (CAP_NET_BIND_SERVICE) that an ordinary user lacks: then it is this one. */
const defaultPort = 80;
const portWithoutRights = 10300;

const thisMachine: Machine = { proc: '/proc', sys: '/sys', clock: systemClock, loadAddon };

/**
 * Wires everything and starts it. Rejects with an AgentError when the agent cannot do its work at all, such as a listen
 * address that is taken; whatever else this machine lacks switches a feature off.
 */
export async function startAgent(options: Options, log: Log, machine = thisMachine): Promise<Agent> {
  const { logger } = log;
  const { proc, sys, clock } = machine;
  const ownPaths = { proc, sys, root: '', cgroup: options.cgroupfsRoot };
  const features = new Features((feature, { enabled, reason }, detail) => {
    const state = { feature, enabled, ...(reason && { reason }), ...(detail && { detail }) };
    logger[enabled ? 'info' : 'warn'](state, 'feature state');
  }, explainer(ownPaths));
  const addon = tryAddon(machine, features);
  const view = hostView({ proc, sys, cgroupfsRoot: options.cgroupfsRoot, features });
  const cloud = startCloud({
    ...options,
    view,
    addon,
    features,
    clock,
    onProblem: (reason) => logger.warn({ reason }, 'asking the cloud'),
    onRecovered: (reason) => logger.info({ reason }, 'asking the cloud'),
  });
  const identity = await readIdentity(view, addon);
  const place = shownPlace({ version, ...identity }, cloud, clock);

  const meter = new SnapshotMeter({
    constantLabels: (metric) => place.labels(metric),
    disabled: new Set(options.disabledMetrics),
    clock,
  });
  const unknown = options.disabledMetrics.filter((name) => !catalogue.has(name));
  if (unknown.length > 0) logger.warn({ unknown }, '--disable-metric: there are no metrics of these names');
  const snapshots = new Snapshots(meter, () => place.begin(), { name: serviceName, version }, { clock });
  const collections = new Map<string, CollectionFigures>();
  const add = (collector: Collector): void =>
    register(meter, collector, collections, {
      onFailing: (name, error) => logger.warn({ collector: name, ...reasonOf(error) }, 'collector fails'),
      onRecovered: (name) => logger.info({ collector: name }, 'collector works again'),
      onUnsupported: (name, error) =>
        logger.warn({ collector: name, ...reasonOf(error) }, 'collector is off'),
    });

  const parts: { page?: Page; push?: OtlpPush; tracing?: Tracing } = {};
  const interfaces = interfaceSource(view, addon, features);
  nodeCollectors(meter, { proc, identity, cloud: () => place.instance, interfaces }).forEach(add);
  add(noticeCollector(meter, cloud));
  add(agentCollector(meter, version, () => parts.page?.figures));
  add(processCollector(meter));
  add(featureCollector(meter, features));
  add(
    pipelineCollector(meter, {
      collections,
      meter: () => meter.figures,
      gapMs: () => snapshots.gapMs,
      exports: () => parts.push?.figures,
      scrapes: () => parts.page?.figures,
      logLinesDropped: () => log.droppedLines(),
    }),
  );

  // Kernel maps and names are looked after with every snapshot: also while nobody scrapes.
  const housekeeping = setInterval(() => void snapshots.collect().catch(() => {}), housekeepingMs).unref();

  /** Exporting ends before what it exports does. */
  const close = async (): Promise<void> => {
    clearInterval(housekeeping);
    await parts.tracing?.settle();
    snapshots.endReuse();
    await Promise.all([parts.push?.shutdown(), parts.page?.close()]);
    parts.tracing?.close();
    cloud.close();
  };
  try {
    // What users do with theirs is no concern of whoever watches the node.
    const onRuntimeState = (runtime: string, failure: unknown, ofUser = false): void =>
      failure === undefined
        ? logger[ofUser ? 'debug' : 'info']({ runtime }, 'container runtime answers again')
        : logger[ofUser ? 'debug' : 'warn'](
            { runtime, ...reasonOf(failure) },
            'container runtime does not answer; trying again',
          );
    const reads = (): number => (parts.page?.figures.ok ?? 0) + (parts.push?.figures.ok ?? 0);
    const onLogProblem = (reason: string): void => logger.warn({ reason }, 'reading logs of containers');
    const onLogExports = (works: boolean, reason: string): void =>
      works ? logger.info('OTLP logs arrive') : logger.warn({ reason }, 'OTLP logs do not arrive');
    const exportLogsTo = options.otlpLogs && logTarget(options.otlpLogs, identity);
    const what = { meter, addon, view, interfaces, options, features, clock };
    const ofLogs = { onLogProblem, exportLogsTo, onLogExports };
    const subjects = { ...what, ...ofLogs, onRuntimeState, reads };
    parts.tracing = await startTracing(subjects);
    const { kernel, containers, collectors, sources } = parts.tracing;
    [
      ...collectors,
      kernelCollector(meter, () => kernel.figures(), sources),
      containerModelCollector(meter, containers),
    ].forEach(add);
    if (options.prometheus.enabled) {
      const reader = new PrometheusReader();
      reader.setMetricProducer(snapshots);
      const onError = (error: unknown): void => logger.error(reasonOf(error), 'scrape failed');
      const serve = (listen: Options['listen']): Promise<Page> =>
        servePage({ ...listen, reader, ready: () => snapshots.ready, onError });
      parts.page = await serve(options.listen).catch((error: unknown) => {
        if (codeOf(error) !== 'EACCES' || options.listen.port !== defaultPort) throw error;
        logger.warn({ ...reasonOf(error), port: portWithoutRights }, 'metrics page on another port');
        return serve({ ...options.listen, port: portWithoutRights });
      });
      const { address, port } = parts.page.address;
      logger.info({ address, port }, 'metrics page');
    }
    if (options.otlp.enabled) {
      parts.push = startOtlp({
        ...options.otlp,
        producer: snapshots,
        intervalMs: options.scrapeIntervalMs,
        onState: (works, reason) =>
          works
            ? logger.info('OTLP export works')
            : logger.warn({ reason }, 'OTLP export fails; trying again'),
        onWarning: (message) => logger.warn({ reason: message }, 'OpenTelemetry settings'),
      });
    }
    await snapshots.collect();
    return { close };
  } catch (error) {
    await close();
    throw error;
  }
}

function tryAddon(machine: Machine, features: Features): Addon | undefined {
  try {
    const addon = machine.loadAddon();
    features.set('addon', true);
    return addon;
  } catch (error) {
    features.set('addon', false, 'not_loadable', messageOf(error));
    return undefined;
  }
}

function reasonOf(error: unknown): { code: string; reason: string } {
  return { code: codeOf(error), reason: messageOf(error) };
}
