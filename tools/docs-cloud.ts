import { format } from 'prettier';
import type { MetadataRequest, Provider } from '../src/cloud/provider.ts';
import { providers } from '../src/cloud/providers/index.ts';
import { emit } from './generated.ts';

type Make = () => Provider;

function row({ method, url, headers = {}, gives }: MetadataRequest): string {
  const shown = Object.entries(headers).map(([name, value]) => `\`${name}: ${value}\``);
  return `| \`${method} ${url}\` | ${shown.join('<br>')} | ${gives} |`;
}

const table = (requests: readonly MetadataRequest[]): string[] => [
  '| request | headers | for |',
  '|---|---|---|',
  ...requests.map(row),
  '',
];

function section([name, make]: [string, Make]): string[] {
  const { requests, notices } = make();
  const polled =
    notices === undefined ? [] : ['Whether the machine will be taken away:', '', ...table(notices.requests)];
  return [`## ${name}`, '', ...table(requests), ...polled];
}

const introduction = `
# Cloud

Generated from \`src/cloud/providers\` by \`npm run generate\`; do not edit.

Where the machine lives is asked of the metadata service of its cloud. This page lists everything that is sent, to whom and when.

## Whom

Files of the firmware and the hypervisor say which cloud it is (\`class/dmi/id\` and \`hypervisor/uuid\` in sysfs). On a machine that is in none
of these nothing is sent at all, nor with \`--provider=none\`. Boards of Google and Microsoft outside their clouds are told by \`product_name\` and
\`chassis_asset_tag\`. A \`hypervisor/uuid\` that begins with \`ec2\` is that of AWS; the random one of another Xen guest does so in 1 of 4096
cases, and what is listed for AWS is sent there too.

\`--provider\`, \`--region\`, \`--availability-zone\`, \`--instance-type\` and \`--instance-life-cycle\` replace what is told, each by itself. \`--provider\`
names the label, never whom is asked: \`--provider=aws\` on a machine that does not say that it is in a cloud sends nothing.

## When

At the start, hourly, and when the machine resumes, in the background; while the service does not answer, again after 1 to 2 s, then less and
less often, up to every 5 minutes. Whether the machine will be taken away is asked every 5 s (up to every
minute while that is not answered) where its life cycle is \`spot\` or \`preemptible\`, on Azure with the priority \`Spot\` or \`Low\`; not with
\`--disable-termination-notices\`. \`node_cloud_termination_notice_seconds{type}\` shows it.

## How

Each request has a connection of its own from the host's network namespace, through a socket that the addon connects there, so that a hop limit of
1 is enough. Where that namespace may not be entered it is the agent's own, and \`node_agent_feature_enabled{feature="cloud"}\` has the reason.
Variables for proxies do not count, redirections are not followed, an answer may have 64 KiB and take 5 s. A token is asked for anew when it is
refused (401). Nothing that holds credentials is asked for.

Names are resolved in the host's network namespace, over TCP, by up to three name servers of the host's \`/etc/resolv.conf\`, one after the
other, which share 3 s; without TLS a name counts only if it leads to a link-local address (\`169.254.0.0/16\`).

A value that cannot be a label (other characters than \`A-Z a-z 0-9 _ . : / @ + -\`, more than 255 of them, no IPv4 address where there should be
one) is left out, with a line in the log. An answer without an instance id is none.
`;

/** docs/cloud.md, written from the requests that providers declare. */
export function cloudPage(): Promise<string> {
  const entries = Object.entries<Make>(providers);
  const lines = [introduction.trim(), '', ...entries.flatMap(section)];
  return format(lines.join('\n'), { parser: 'markdown', printWidth: 110 });
}

if (import.meta.main) emit('docs/cloud.md', await cloudPage());
