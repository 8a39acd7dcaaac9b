import type { DemoServer } from "./demo-server.ts";
import { writeProgram } from "./deploy-program.ts";
import type { Narrator } from "./narrator.ts";
import type { DemoOptions } from "./options.ts";
import type { RegistryAddress } from "./registry-client.ts";
import { builtInConnection, connect, createProject, PROJECT, registryInside } from "./set-up.ts";
import type { Stage } from "./stage.ts";

/** Starts both servers; with an outside source there is nothing to do for a build server. */
export async function startServers(stage: Stage, options: DemoOptions, say: Narrator) {
  say.step(
    options.source ? "Start Headgate" : "Start Headgate twice",
    `${options.source ? "" : "One for builds, one for production. "}Each server is a single process that brings its own database and its own image registry.`,
  );
  const { live, commandsFile } = await writeProgram(stage.directory);
  const [build, production] = await Promise.all([
    options.source ? null : stage.startServer("build"),
    stage.startServer("production", { HEADGATE_COMMANDS_FILE: commandsFile }),
  ]);
  for (const server of [build, production]) if (server) say.fact(server.name, server.url);
  say.done("ready");
  return { build, production, live };
}

interface Introduction {
  readonly production: DemoServer;
  readonly readAs: RegistryAddress;
  readonly options: DemoOptions;
  readonly say: Narrator;
}

/** Makes production's project and its connections. */
export async function introduce({ production, readAs, options, say }: Introduction) {
  say.step(
    "Tell production where images come from, and where they go",
    "Credentials are sealed, tried at once, and only ever sent to their own registry.",
  );
  await createProject(production);
  say.fact("project", PROJECT);
  await connect(production, "build", readAs);
  say.fact(
    "connection to read from",
    `${readAs.host}/${readAs.namespace}${options.source ? "" : ", may only pull"}`,
  );
  const target = options.target ?? registryInside(production, production.adminToken);
  const connectionId = options.target
    ? await connect(production, "target", options.target)
    : await builtInConnection(production);
  say.fact(
    "connection to write to",
    `${target.host}/${target.namespace}${options.target ? "" : ", built in"}`,
  );
  say.done("both answer");
  return { target, connectionId, targetInside: options.target === null };
}
