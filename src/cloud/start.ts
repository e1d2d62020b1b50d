import { isDeepStrictEqual } from 'node:util';
import type { Options } from '../../config/options.ts';
import { AgentError, messageOf } from '../errors.ts';
import type { Features } from '../features.ts';
import type { Clock } from '../host/clock.ts';
import type { HostView } from '../host/view.ts';
import { unknownInstance, type Cloud, type CloudInstance } from '../model/cloud.ts';
import type { Addon } from '../native/addon.ts';
import { asker } from './ask.ts';
import { connector } from './connect.ts';
import { detect } from './detect.ts';
import { Notices } from './notices.ts';
import type { Field, NoticeType } from './provider.ts';
import { providers, type ProviderName } from './providers/index.ts';
import { resolver } from './resolve.ts';
import { Rounds } from './rounds.ts';
import { check } from './values.ts';

export interface CloudDeps {
  readonly cloud: Options['cloud'];
  /** What `--disable-termination-notices` says. */
  readonly disableTerminationNotices?: boolean;
  readonly view: HostView;
  readonly addon: Pick<Addon, 'connectIn'> | undefined;
  readonly features: Features;
  readonly clock: Clock;
  /** Once for each change of state, in words for the log, as is `onRecovered`. */
  readonly onProblem: (reason: string) => void;
  /** It answers, after it was told that it does not. */
  readonly onRecovered: (reason: string) => void;
  /** PEM of authorities for IBM's https; those of Node.js otherwise. */
  readonly ca?: string;
}

export interface WatchedCloud extends Cloud {
  /** Seconds until the machine is taken away, by what was announced; empty while nothing is. */
  notices(): ReadonlyMap<NoticeType, number>;
}

/** Of these, by `instanceLifeCycle`. */
const revocable: ReadonlySet<string> = new Set(['spot', 'preemptible']);

/**
 * Looks which cloud this is, and asks its metadata service in the background. Nothing is sent on a machine that is in none, nor
 * with `--provider=none`. Options override what is told, and never whom is asked.
 */
export function startCloud(deps: CloudDeps): WatchedCloud {
  const { cloud: said, view } = deps;
  const isWanted = said.provider !== 'none';
  setFeature(deps, isWanted);
  const name = isWanted ? detect(view.paths) : undefined;
  const overrides = Object.fromEntries(Object.entries(said).filter(([, value]) => value !== ''));
  const known = (found: Partial<CloudInstance>): CloudInstance => ({
    ...unknownInstance,
    ...found,
    ...overrides,
  });
  if (name === undefined) {
    const nothing = { answered: Promise.resolve(), close: () => {} };
    return { instance: known({}), ...nothing, notices: () => new Map() };
  }
  return watch(name, known, deps);
}

function watch(
  name: ProviderName,
  known: (found: Partial<CloudInstance>) => CloudInstance,
  { view, addon, clock, onProblem, onRecovered, ca, disableTerminationNotices = false }: CloudDeps,
): WatchedCloud {
  const provider = providers[name]();
  const closer = new AbortController();
  const closing = closer.signal;
  const connect = connector(addon, view.netNamespace);
  const resolve = resolver(connect, view.paths.root);
  const ask = asker({ connect, resolve, closing, ...(ca !== undefined && { ca }) });
  const { promise: answered, resolve: onAnswered } = Promise.withResolvers<void>();
  let instance = known({ provider: name });
  let refusedBefore = '';

  const notices = new Notices({
    provider,
    ask,
    clock,
    closing,
    onFailing: (error) =>
      onProblem(`${name} does not say whether the machine will be taken away: ${messageOf(error)}`),
    onRecovered: () => onRecovered(`${name} says again whether the machine will be taken away`),
  });
  const read = async (): Promise<void> => {
    const { fields: found, isRevocable = false } = await provider.read(ask);
    const { fields, refused } = check(found);
    if (fields.instanceId === undefined) throw withoutId(refused);
    if (refused.join() !== refusedBefore && refused.length > 0)
      onProblem(`${name} tells what cannot be a label: ${refused.join(', ')}`);
    refusedBefore = refused.join();
    const next = known({ ...fields, provider: name });
    const mayBeTaken = isRevocable || revocable.has(next.instanceLifeCycle);
    if (mayBeTaken && !disableTerminationNotices) notices.start();
    else notices.stop();
    if (!isDeepStrictEqual(next, instance)) instance = next;
    onAnswered();
  };
  const rounds = new Rounds({
    round: read,
    clock,
    onFailing: (error) => onProblem(`the metadata service of ${name} does not answer: ${messageOf(error)}`),
    onRecovered: () => onRecovered(`the metadata service of ${name} answers again`),
  });

  return {
    get instance() {
      return instance;
    },
    answered,
    notices: () => notices.secondsLeft(),
    close() {
      closer.abort();
      rounds.close();
      onAnswered();
    },
  };
}

function withoutId(refused: readonly Field[]): AgentError {
  const unfit = refused.length > 0 ? `; what cannot be a label: ${refused.join(', ')}` : '';
  return new AgentError('EBADMSG', `the answer has no instance id${unfit}`);
}

/** Whether the host's network namespace can be asked from; a machine in no cloud can tell as well. */
function setFeature({ view, addon, features }: CloudDeps, isWanted: boolean): void {
  if (!isWanted) features.set('cloud', false, 'not_wanted');
  else if (view.sharesNetwork === true) features.set('cloud', true);
  else if (view.netNamespace === null)
    features.lessen(
      'cloud',
      new AgentError('EPERM', 'the network namespace of the host may not be entered'),
      'own_view',
    );
  else if (addon === undefined) features.set('cloud', true, 'no_addon');
  else features.set('cloud', true);
}
