import { isIP, isIPv4, isIPv6 } from 'node:net';
import { listOf, type ValueType } from './value.ts';

/** `host` is empty for all addresses of both families, never in brackets; port 0 lets the kernel choose. */
export interface ListenAddress {
  readonly host: string;
  readonly port: number;
}

export const listenAddress: ValueType<ListenAddress> = {
  name: 'listen address',
  placeholder: 'ADDRESS',
  expected: 'an address such as 0.0.0.0:80, :80 or [::]:80',
  parse: (text) => {
    const [, bracketed, plain, digits] = /^(?:\[([^\]]*)\]|([^:[\]]*)):(\d{1,5})$/.exec(text) ?? [];
    const port = Number(digits);
    if (!(port <= 65535)) throw new Error();
    if (bracketed !== undefined ? !isIPv6(bracketed) : !isHost(plain!)) throw new Error();
    return { host: bracketed ?? plain!, port };
  },
};

/** What consists of digits and dots only is an IPv4 address or nothing; the rest may be a name. */
function isHost(text: string): boolean {
  if (text === '') return true;
  return /^[\d.]+$/.test(text) ? isIPv4(text) : /^[\w.-]{1,253}$/.test(text);
}

const cidr: ValueType<string> = {
  name: 'CIDR',
  placeholder: 'CIDR',
  expected: 'a network such as 10.0.0.0/8 or fd00::/8',
  parse: (text) => {
    const [, address, digits] = /^([\da-f:.]+)\/(\d{1,3})$/i.exec(text) ?? [];
    const family = isIP(address ?? '');
    if (family === 0 || Number(digits) > (family === 4 ? 32 : 128)) throw new Error();
    return text;
  },
};

export const cidrs = listOf(cidr);

/**
 * Scheme, host and port of an OTLP endpoint; gRPC knows no path. The port is always written out, since
 * gRPC's default (443 for either scheme) is not that of the URL. An empty text is no endpoint.
 */
export const endpoint: ValueType<string | undefined> = {
  name: 'endpoint',
  placeholder: 'URL',
  expected: 'a URL such as http://collector:4317',
  parse: (text) => (text === '' ? undefined : originOf(httpUrl(text))),
};

/** The same with a path, as OTLP/HTTP has it; `/v1/logs` where there is none. */
export const logsEndpoint: ValueType<string | undefined> = {
  name: 'endpoint of logs',
  placeholder: 'URL',
  expected: 'a URL such as http://collector:4318/v1/logs',
  parse: (text) => {
    if (text === '') return undefined;
    const url = httpUrl(text);
    return `${originOf(url)}${url.pathname === '/' ? '/v1/logs' : url.pathname}${url.search}`;
  },
};

function httpUrl(text: string): URL {
  const url = URL.parse(text);
  if (url === null || !/^https?:\/\//i.test(text)) throw new Error();
  if (url.username !== '' || url.password !== '') throw new Error('user and password cannot be part of it');
  return url;
}

function originOf({ protocol, hostname, port }: URL): string {
  return `${protocol}//${hostname}:${port || (protocol === 'https:' ? '443' : '80')}`;
}
