/** The Helm chart as Helm renders it, without a cluster. */
import { spawnSync } from 'node:child_process';
import { cpSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseAllDocuments } from 'yaml';
import { peer, without } from '../peers/peer.ts';

export const chart = join(import.meta.dirname, '../../helm');

/** Folders with the program `helm`, by its major version. */
const helms = { 3: peer('helm3'), 4: peer('helm') } as const;
export type Helm = keyof typeof helms;
export const majors: readonly Helm[] = [3, 4];

/** A sentence where that Helm is not there. */
export const skipWithout = (major: Helm): string | false =>
  without(helms[major], major === 3 ? 'helm3' : 'helm');
export const skip = skipWithout(4);

export interface Ran {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

const home = mkdtempSync(join(tmpdir(), 'helm-'));
process.once('exit', () => rmSync(home, { recursive: true, force: true }));

/** Runs Helm without a cluster, with nothing of the user's; `values` on top of the chart's. */
export function helm(args: readonly string[], values: unknown = {}, major: Helm = 4, of = chart): Ran {
  const command = [...args, of, '--values=-'];
  const { status, stdout, stderr } = spawnSync(join(helms[major]!, 'helm'), command, {
    encoding: 'utf8',
    input: JSON.stringify(values),
    env: { HOME: home },
  });
  return { status, stdout, stderr };
}

/** Name and values of every file of `helm/ci`. */
export const presets: readonly string[] = readdirSync(join(chart, 'ci')).map((file) =>
  file.replace(/-values\.yaml$/, ''),
);

export const presetFile = (preset: string): string => join(chart, `ci/${preset}-values.yaml`);

export interface Release {
  /** `1.37`. */
  readonly kubernetes?: string;
  readonly helm?: Helm;
  readonly preset?: string;
  readonly values?: unknown;
}

/** What `helm template` prints. Throws what Helm says where it fails. */
export function template({ kubernetes = '1.37', helm: major, preset, values }: Release = {}): string {
  const of = preset === undefined ? [] : [`--values=${presetFile(preset)}`];
  const args = ['template', 'agent', '--namespace=monitoring', `--kube-version=${kubernetes}.0`, ...of];
  const { status, stdout, stderr } = helm(args, values, major);
  if (status !== 0) throw new Error(stderr);
  return stdout;
}

/** An object of Kubernetes; nothing of it is known beforehand. */
export interface KubernetesObject {
  readonly kind: string;
  readonly metadata: { readonly name: string; readonly labels?: Readonly<Record<string, string>> };
  readonly data?: Readonly<Record<string, string>>;
  readonly spec?: unknown;
}

export function objects(yaml: string): readonly KubernetesObject[] {
  return parseAllDocuments(yaml).flatMap((document) => (document.toJS() ?? []) as KubernetesObject);
}

export function objectOf(kind: string, release: Release = {}): KubernetesObject {
  const found = objects(template(release)).find((object) => object.kind === kind);
  if (found === undefined) throw new Error(`the chart renders no ${kind}`);
  return found;
}

export interface PodSpec {
  readonly hostPID?: boolean;
  readonly hostNetwork?: boolean;
  readonly automountServiceAccountToken?: boolean;
  readonly containers: readonly {
    readonly args: readonly string[];
    readonly command?: readonly string[];
    readonly env?: readonly {
      readonly name: string;
      readonly value?: string;
      readonly valueFrom?: unknown;
    }[];
    readonly ports?: readonly object[];
    readonly securityContext: {
      readonly privileged?: boolean;
      readonly readOnlyRootFilesystem?: boolean;
      readonly capabilities?: { readonly add?: readonly string[]; readonly drop: readonly string[] };
    } & Readonly<Record<string, unknown>>;
    readonly volumeMounts: readonly { readonly name: string; readonly mountPath: string }[];
  }[];
  readonly volumes: readonly ({ readonly name: string } & Readonly<Record<string, unknown>>)[];
}

export interface PodTemplate {
  readonly metadata: {
    readonly labels: Readonly<Record<string, string>>;
    readonly annotations: Readonly<Record<string, string>>;
  };
  readonly spec: PodSpec;
}

export function podOf(release: Release = {}): PodTemplate {
  return (objectOf('DaemonSet', release).spec as { template: PodTemplate }).template;
}

/** What an installation prints at its end: without a cluster Helm shows it as a part of something else only. */
export function notes(values: unknown): string {
  const copy = join(home, 'with-notes');
  cpSync(chart, copy, { recursive: true });
  const template =
    '{{ dict "kind" "Notes" "text" (include (print $.Template.BasePath "/NOTES.txt") .) | toJson }}';
  writeFileSync(join(copy, 'templates/shown.yaml'), template);
  const { status, stdout, stderr } = helm(['template', 'agent'], values, 4, copy);
  if (status !== 0) throw new Error(stderr);
  const found = objects(stdout).find(({ kind }) => kind === 'Notes') as unknown as { readonly text: string };
  return found.text;
}
