import { join } from "node:path";
import type { FastifyInstance } from "fastify";
import { type Logger, pino } from "pino";
import { SYSTEM } from "./access/actor.ts";
import { createAuthenticator } from "./access/authenticate.ts";
import { openSignUp } from "./access/open-sign-up.ts";
import { countUnsealed } from "./audit/seal-store.ts";
import { startSealer } from "./audit/start-sealer.ts";
import { type Config, SETTINGS } from "./config.ts";
import { ensureBuiltInConnection } from "./connections/ensure-built-in-connection.ts";
import { loadKey } from "./connections/key-file.ts";
import { createSecretBox } from "./connections/secret-box.ts";
import { verifyKey } from "./connections/verify-key.ts";
import { createCommandProvider } from "./connectors/ci-providers/command/command-provider.ts";
import { loadCommands } from "./connectors/ci-providers/command/commands-file.ts";
import { openCiProviders } from "./connectors/ci-providers/open-ci-providers.ts";
import type { Connectors } from "./connectors/connector-lookup.ts";
import { createSourceHosts } from "./connectors/source-hosts/git/git-source-hosts.ts";
import { createRegistryConnector } from "./connectors/registries/oci-registry-connector.ts";
import type { Traffic } from "./connectors/traffic.ts";
import type { Context } from "./context.ts";
import { endSilentDeployments } from "./deployments/end-silent-deployments.task.ts";
import { startQueued } from "./deployments/start-queued.task.ts";
import { copyDistribution } from "./distributions/copy-distribution.task.ts";
import { StartError } from "./kernel/errors.ts";
import { createMetrics, type Figures, type Metrics } from "./http/metrics.ts";
import { buildServer } from "./http/server.ts";
import { buildWorkerServer } from "./http/worker-server.ts";
import { sweepBlobsTask } from "./repositories/sweep-blobs.task.ts";
import { type OpenDatabase, openDatabase } from "./storage/database.ts";
import { BACKUPS_FOLDER, FILES_FOLDER } from "./storage/data-directory.ts";
import { pingDatabase } from "./storage/database-ping.ts";
import { openFileStorage } from "./storage/file-storage.ts";
import { migrate } from "./storage/migrate.ts";
import { removeEndedTasks } from "./tasks/remove-ended-tasks.ts";
import { readTaskMetrics } from "./tasks/task-metrics.ts";
import { startTaskRunner } from "./tasks/task-runner.ts";
import { carryOutRun } from "./workflows/carry-out-run.task.ts";
import { sweepRunsTask } from "./workflows/sweep-runs.task.ts";

/** Every kind of durable work this program knows. */
const TASK_KINDS = [
  copyDistribution,
  startQueued,
  carryOutRun,
  endSilentDeployments,
  sweepRunsTask,
  sweepBlobsTask,
  removeEndedTasks,
];

/** Something that was started; stopping gives back what it holds. */
interface Started {
  stop(): Promise<void>;
}

export interface Program extends Started {
  readonly ctx: Context;
  readonly metrics: Metrics;
}

/** Opens what every mode of the program needs: database, key, files, connectors. Throws StartError. */
async function openProgram(config: Config): Promise<Program> {
  const log = pino({ level: config.logLevel });
  const database = await open(config, log);
  try {
    const ran = await migrate(database.db);
    if (ran.length > 0) log.info({ migrations: ran }, "the database was brought up to date");
    const key = await loadKey({
      keyFile: config.keyFile,
      dataDirectory: config.dataDirectory,
      mayGenerate: config.databaseUrl === null,
    });
    const secrets = createSecretBox(key);
    await verifyKey(database.db, secrets);
    const metrics = createMetrics();
    const connectors = await openConnectors(config, tellTraffic(metrics, log));
    const ctx: Context = {
      db: database.db,
      connectors,
      files: await openFileStorage(join(config.dataDirectory, FILES_FOLDER), {
        backupDirectory: config.backupDirectory ?? join(config.dataDirectory, BACKUPS_FOLDER),
      }),
      secrets,
      log,
      now: () => new Date(),
      actor: SYSTEM,
    };
    const stop = () =>
      stopInOrder([
        { stop: () => connectors.registries.close() },
        { stop: () => connectors.ciProviders.close() },
        { stop: () => connectors.sourceHosts.close() },
        { stop: database.close },
      ]);
    return { ctx, metrics, stop };
  } catch (error) {
    await database.close();
    throw error;
  }
}

/** The outside: registries, CI providers with the operator's programs if there are any, repositories. */
async function openConnectors(config: Config, traffic: Traffic): Promise<Connectors> {
  const { commandsFile, dataDirectory } = config;
  const commands = commandsFile === null ? null : await loadCommands(commandsFile);
  return {
    registries: createRegistryConnector({ traffic }),
    ciProviders: openCiProviders({
      command: commands && (await createCommandProvider({ commands, dataDirectory })),
      traffic,
    }),
    sourceHosts: createSourceHosts({ directory: dataDirectory }),
  };
}

async function open(config: Config, log: Logger): Promise<OpenDatabase> {
  if (config.databaseUrl !== null) return openDatabase({ kind: "postgres", url: config.databaseUrl });
  const onFatal = (error: Error): void => {
    log.fatal({ err: error }, "the embedded database stopped; this process ends");
    process.exit(1);
  };
  const opening = openDatabase({ kind: "embedded", directory: config.dataDirectory, onFatal });
  return opening.catch((error: unknown) => {
    throw isSystemError(error)
      ? unusable(SETTINGS.dataDirectory.variable, config.dataDirectory, error)
      : error;
  });
}

/** Brings the database up to date and ends. */
export async function migrateOnly(config: Config): Promise<void> {
  const program = await openProgram(config);
  await program.stop();
}

/** Traffic is counted; a host that is left alone is worth a line in the log. */
const tellTraffic = ({ hosts }: Metrics, log: Logger): Traffic => ({
  bytes: (host, direction, count) => hosts.bytes(host, direction, count),
  retry: (host) => hosts.retry(host),
  breaker: (host, open) => {
    hosts.breaker(host, open);
    if (open) log.warn({ host }, "a host failed several times in a row and is left alone for a while");
    else log.info({ host }, "a host answers again");
  },
});

function startTasks({ ctx, metrics }: Program): Started {
  return startTaskRunner<Context>({
    db: ctx.db,
    contextFor: () => ctx,
    kinds: TASK_KINDS,
    log: ctx.log,
    watch: metrics.tasks,
  });
}

const figuresOf =
  ({ db }: Context) =>
  async (): Promise<Figures> => ({
    tasks: await readTaskMetrics(db, TASK_KINDS),
    unsealedEvents: await countUnsealed(db),
  });

/** A worker: durable tasks and the audit log's sealer; over HTTP, where it is told to, health and metrics alone. */
export async function startWorker(config: Config): Promise<Program> {
  const program = await openProgram(config);
  const { ctx, metrics } = program;
  const started: Started[] = [program];
  try {
    if (config.metricsPort !== null)
      started.push(await startWorkerServer(program, config, config.metricsPort));
    started.push(await startSealer(ctx), startTasks(program));
    ctx.log.info("the worker has started");
    return { ctx, metrics, stop: stopper(started) };
  } catch (error) {
    await abandon(ctx, started);
    throw error;
  }
}

async function startWorkerServer({ ctx, metrics }: Program, config: Config, port: number): Promise<Started> {
  const app = buildWorkerServer(ctx, {
    authenticate: createAuthenticator({ adminToken: config.adminToken }),
    openMetrics: config.openMetrics,
    isReady: () => pingDatabase(ctx.db),
    metrics,
    readFigures: figuresOf(ctx),
  });
  const url = await listen(app, { host: config.host, port, portSetting: SETTINGS.metricsPort.variable });
  ctx.log.info({ url }, "the worker shows its metrics");
  return { stop: () => app.close() };
}

export interface RunningServer extends Program {
  /** Where clients reach it, without a slash at the end. */
  readonly url: string;
  /** A one-time link to become the first admin; null when there is one. */
  readonly signUpUrl: string | null;
}

/** The server: HTTP and, unless told otherwise, tasks in the same process. Ready for requests when it returns. */
export async function startServer(
  config: Config,
  options: { readonly withTasks: boolean } = { withTasks: true },
): Promise<RunningServer> {
  const program = await openProgram(config);
  const { ctx, metrics } = program;
  const registryInside = config.databaseUrl === null || config.sharedFiles;
  let url = "";
  const started: Started[] = [program];
  try {
    const app = await buildServer(ctx, {
      authenticate: createAuthenticator({ adminToken: config.adminToken }),
      trustProxy: config.trustProxy,
      openMetrics: config.openMetrics,
      registryInside,
      publicUrl: () => url,
      isReady: () => pingDatabase(ctx.db),
      metrics,
      readFigures: figuresOf(ctx),
    });
    started.push({ stop: () => app.close() });
    const { host, port } = config;
    const listening = await listen(app, { host, port, portSetting: SETTINGS.port.variable });
    url = config.publicUrl ?? reachable(listening);
    if (registryInside) await ensureBuiltInConnection(ctx, ownAddress(url));
    started.push(await startSealer(ctx));
    if (options.withTasks) started.push(startTasks(program));
    const secret = await openSignUp(ctx);
    ctx.log.info({ url, registryInside }, "Headgate listens");
    return {
      ctx,
      metrics,
      url,
      signUpUrl: secret === null ? null : `${url}/sign-up#${secret}`,
      stop: stopper(started),
    };
  } catch (error) {
    await abandon(ctx, started);
    throw error;
  }
}

async function listen(
  app: FastifyInstance,
  { host, port, portSetting }: { readonly host: string; readonly port: number; readonly portSetting: string },
): Promise<string> {
  try {
    return await app.listen({ host, port });
  } catch (error) {
    const where = `${SETTINGS.host.variable} and ${portSetting}`;
    throw isSystemError(error) ? unusable(where, `${host}:${port}`, error) : error;
  }
}

const isSystemError = (error: unknown): error is NodeJS.ErrnoException =>
  error instanceof Error && "syscall" in error;

const unusable = (variable: string, value: string, error: Error): StartError =>
  new StartError(`${variable}: ${value} cannot be used: ${error.message}`);

/** After a start that failed: why it did matters more than what could not be stopped. */
const abandon = (ctx: Context, started: readonly Started[]): Promise<void> =>
  stopper(started)().catch((error: unknown) =>
    ctx.log.warn({ err: error }, "not everything could be stopped"),
  );

const stopper = (started: readonly Started[]) => (): Promise<void> => stopInOrder(started.toReversed());

/** Stops everything, also what comes after something that failed to; then throws the first failure. */
async function stopInOrder(started: readonly Started[]): Promise<void> {
  const failures: unknown[] = [];
  for (const one of started) await one.stop().catch((error: unknown) => failures.push(error));
  if (failures.length > 0) throw failures[0];
}

/** A server that listens on every address is reached on the loopback one, as far as it can know. */
const reachable = (listening: string): string =>
  listening.replace("//0.0.0.0:", "//127.0.0.1:").replace("//[::]:", "//[::1]:");

function ownAddress(url: string) {
  const { host, protocol } = new URL(url);
  return { host, plainHttp: protocol === "http:", allowPrivate: true };
}
