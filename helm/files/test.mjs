// Reads the page of a node as Prometheus does, and says what works there.
const url = process.argv.at(-1);
for (let left = 30; ; left--) {
  try {
    const response = await fetch(url, { signal: AbortSignal.timeout(5000) });
    const text = await response.text();
    const [uptime] = text.match(/^node_uptime_seconds.*$/m) ?? [];
    if (!response.ok || uptime === undefined)
      throw new Error(`no node_uptime_seconds: status ${response.status}`);
    console.log([uptime, ...text.match(/^node_agent_feature_enabled.*$/gm)].join('\n'));
    break;
  } catch (error) {
    console.error(`${url}: ${error.cause?.message ?? error.message}`);
    if (left <= 1) process.exit(1);
    await new Promise((next) => setTimeout(next, 1000));
  }
}
