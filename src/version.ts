/** Set by the bundler from package.json. */
declare const AGENT_VERSION: string | undefined;

/** Version of the agent; `unknown` when it runs unbundled. */
export const version: string = typeof AGENT_VERSION === 'string' ? AGENT_VERSION : 'unknown';
