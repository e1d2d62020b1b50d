import type { Workload } from '../runtime.ts';
import { imageName } from './image.ts';

/** What docker and podman are told alike to run a workload of the image, apart from it, with `more` options. */
export function runLine(
  { name, command, labels = {}, memoryLimitBytes }: Workload,
  ...more: readonly string[]
): string[] {
  return [
    ...['run', '--detach', '--name', name],
    ...Object.entries(labels).map(([label, value]) => `--label=${label}=${value}`),
    ...(memoryLimitBytes === undefined ? [] : [`--memory=${memoryLimitBytes}`]),
    ...more,
    imageName,
    ...command,
  ];
}
