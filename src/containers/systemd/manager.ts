import type { Property } from './message.ts';
import { factsOf, type UnitFacts } from './facts.ts';
import { readProperties } from './properties.ts';

/** Where the service manager listens for root, without a bus (systemd: src/core/dbus.c). */
const socket = '/run/systemd/private';
const interfacePrefix = 'org.freedesktop.systemd1.';

/** Asks systemd for units, in this order (org.freedesktop.systemd1(5)). Rejects as `readProperties` does. */
export async function askSystemd(
  root: string,
  units: readonly string[],
  signal: AbortSignal,
): Promise<UnitFacts[]> {
  const properties = units.flatMap((unit): Property[] => {
    const path = `/org/freedesktop/systemd1/unit/${labelOf(unit)}`;
    return [
      { path, interface: `${interfacePrefix}Service`, name: 'Type' },
      { path, interface: `${interfacePrefix}Unit`, name: 'TriggeredBy' },
    ];
  });
  const values = await readProperties(root + socket, properties, signal);
  return units.map((_, i) => {
    const [type, triggers] = values.slice(2 * i, 2 * i + 2);
    return factsOf(type, Array.isArray(triggers) ? triggers[0] : undefined);
  });
}

/** A part of an object path: all but letters and digits, and a digit in front, as `_` and two hexadecimal digits. */
export function labelOf(unit: string): string {
  const escaped = [...Buffer.from(unit)].map((byte, i) => {
    const letter = String.fromCharCode(byte);
    const isPlain = /[A-Za-z]/.test(letter) || (i > 0 && /[0-9]/.test(letter));
    return isPlain ? letter : `_${byte.toString(16).padStart(2, '0')}`;
  });
  return escaped.join('') || '_';
}
