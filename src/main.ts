/** The process: reads the configuration, runs the agent, handles signals. Exit codes: 0 ended as asked, 1 cannot run, 2 wrong configuration. */
import { loadOptions } from '../config/load.ts';
import { startAgent, type Agent } from './agent.ts';
import { messageOf } from './errors.ts';
import { createLog } from './log.ts';
import { version } from './version.ts';

/** The last export and the page get this long; then the process ends all the same. */
const shutdownMs = 4500;

async function main(): Promise<void> {
  const loaded = loadOptions(process.argv.slice(2), process.env);
  switch (loaded.kind) {
    case 'help':
      process.stdout.write(loaded.text);
      return;
    case 'version':
      process.stdout.write(`${version}\n`);
      return;
    case 'error':
      for (const message of loaded.messages) process.stderr.write(`otel-node-agent: ${message}\n`);
      process.stderr.write('otel-node-agent: --help lists the options\n');
      process.exitCode = loaded.exitCode;
      return;
    case 'run':
  }

  const log = createLog(loaded.options.log);
  const { logger } = log;
  if (loaded.notYetEffective.length > 0) {
    logger.warn({ options: loaded.notYetEffective }, 'these options are accepted but have no effect yet');
  }
  const { otlp, prometheus } = loaded.options;
  if (!otlp.enabled && !prometheus.enabled)
    logger.warn('OTEL_METRICS_EXPORTER is none or OTEL_SDK_DISABLED is true: no metrics leave');
  let ending = false;
  let agent: Agent | undefined;
  const end = (reason: string, exitCode: number): void => {
    if (ending) return;
    ending = true;
    setTimeout(() => process.exit(exitCode), shutdownMs).unref();
    logger.info({ reason }, 'shutting down');
    void Promise.resolve(agent?.close()).finally(() => {
      log.flush();
      process.exit(exitCode);
    });
  };
  // Timers of the exporters do not keep a process alive, and there may be no page that does.
  setInterval(() => {}, 2 ** 30);
  process.once('SIGTERM', () => end('SIGTERM', 0));
  process.once('SIGINT', () => end('SIGINT', 0));
  // A defect in one part must be seen, and must not take the counts of all others with it.
  process.on('unhandledRejection', (error) => logger.error({ err: error }, 'unhandled rejection'));

  try {
    agent = await startAgent(loaded.options, log);
    if (ending) await agent.close();
  } catch (error) {
    logger.fatal({ reason: messageOf(error) }, 'cannot start');
    end('cannot start', 1);
  }
}

await main();
