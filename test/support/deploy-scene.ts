import { chmod, mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { createConnection } from "../../src/connections/create-connection.ts";
import { createEnvironment } from "../../src/environments/create-environment.ts";
import type { EnvironmentDraft } from "../../src/environments/environment.ts";
import { changeProject } from "../../src/projects/change-project.ts";
import { createProject } from "../../src/projects/create-project.ts";
import type { DatabaseOptions } from "../../src/storage/database.ts";
import { changeWorkflow } from "../../src/workflows/change-workflow.ts";
import { createWorkflow } from "../../src/workflows/create-workflow.ts";
import type { WorkflowChange, WorkflowDraft } from "../../src/workflows/workflow.ts";
import type { Engine } from "./databases.ts";
import type { GitRepository } from "./git-repository.ts";
import { type GitServer, startGitServer } from "./git-server.ts";
import { type Answer, settingsFor, startTestServer, type TestServer } from "./server.ts";
import { temporaryDirectory } from "./temporary-directory.ts";

/** A server with programs of the operator's, a git server with one repository, and a project on it. */
export interface DeployScene {
  readonly server: TestServer;
  /** Where its database is, and what the server was told: for a process of its own on the same data. */
  readonly place: DatabaseOptions;
  readonly settings: Readonly<Record<string, string>> & { readonly HEADGATE_ADMIN_TOKEN: string };
  readonly git: GitServer;
  readonly repository: GitRepository;
  /** Commits of the repository's branch main, oldest first. */
  readonly commits: readonly string[];
  /** Another project on the same repository; its name is its key. */
  addProject(key: string): Promise<void>;
  addWorkflow(project: string, draft: WorkflowDraft): Promise<void>;
  changeWorkflow(project: string, name: string, change: WorkflowChange): Promise<void>;
  addEnvironment(project: string, draft: EnvironmentDraft): Promise<void>;
  /** Aviator's calls, as an existing client makes them. */
  cut(version: string, commit?: string, more?: object): Promise<Answer>;
  deploy(environment: string, version: string, more?: object): Promise<Answer>;
  report(environment: string, version: string, status: string): Promise<Answer>;
  rollBack(environment: string, body?: object): Promise<Answer>;
  list(environment: string, query?: string): Promise<Answer>;
  /** Waits until the newest deployment of the environment has one of these statuses. */
  until(environment: string, ...statuses: readonly string[]): Promise<WireDeployment>;
  stop(): Promise<void>;
}

/** A deployment as Aviator's API shows it. */
export interface WireDeployment {
  readonly id: number;
  readonly status: string;
  readonly actor: string | null;
  readonly environment_name: string;
  readonly error_message: string | null;
  readonly deploy_start_at: string | null;
  readonly deploy_end_at: string | null;
  readonly release_version: string;
  readonly release_candidate_version: string;
  readonly from_release_version: string | null;
  readonly from_release_candidate_version: string | null;
}

export interface SceneOptions {
  /** Scripts for /bin/sh by the name of their program. */
  readonly programs?: Readonly<Record<string, string>>;
  readonly settings?: Readonly<Record<string, string>>;
}

/** Starts it with the project `web` on `acme/web`. */
export async function deployScene(engine: Engine, options: SceneOptions = {}): Promise<DeployScene> {
  const folder = await temporaryDirectory();
  const commandsFile = await writeCommands(folder.path, options.programs ?? { deploy: "exit 0" });
  const git = await startGitServer();
  const repository = await git.repository("acme/web.git");
  const commits: string[] = [];
  for (const message of ["one", "two", "three"]) {
    const parents = commits.slice(-1);
    commits.push(await repository.commit({ message, parents }));
  }
  await repository.branch("main", commits.at(-1) ?? "");
  const place = await engine.place();
  const settings = {
    ...(await settingsFor(place)),
    HEADGATE_COMMANDS_FILE: commandsFile,
    ...options.settings,
  };
  const server = await startTestServer(place, settings);
  const { ctx } = server;
  await createConnection(ctx, {
    name: "code",
    kind: "git",
    host: git.host,
    plainHttp: true,
    allowPrivate: true,
    allProjects: true,
  });
  const addProject = async (key: string): Promise<void> => {
    await createProject(ctx, { key, name: key });
    await changeProject(ctx, { key, source: "code", repository: "acme/web" });
  };
  await addProject("web");
  const at = (environment: string, rest: string): string =>
    `/api/releases/web/environments/${environment}/${rest}`;
  const scene: DeployScene = {
    server,
    place,
    settings,
    git,
    repository,
    commits,
    addProject,
    addWorkflow: async (projectKey, draft) => void (await createWorkflow(ctx, { projectKey, draft })),
    changeWorkflow: async (projectKey, name, change) =>
      void (await changeWorkflow(ctx, { projectKey, name, change })),
    addEnvironment: async (projectKey, draft) => void (await createEnvironment(ctx, { projectKey, draft })),
    cut: (version, commit = commits[0], more = {}) =>
      server.send("POST", `/api/releases/web/releases/${version}`, {
        body: { repo: "acme/web", commit, ...more },
      }),
    deploy: (environment, version, more = {}) =>
      server.send("POST", at(environment, "deployments"), {
        body: { release_candidate_version: version, ...more },
      }),
    report: (environment, version, status) =>
      server.send("PATCH", at(environment, "deployments"), {
        body: { release_candidate_version: version, status },
      }),
    rollBack: (environment, body = {}) => server.send("POST", at(environment, "rollback"), { body }),
    list: (environment, query = "") => server.send("GET", `${at(environment, "deployments")}${query}`),
    async until(environment, ...statuses) {
      for (;;) {
        const [newest] = (await scene.list(environment)).json as WireDeployment[];
        if (newest && statuses.includes(newest.status)) return newest;
        await new Promise((resolve) => setTimeout(resolve, 50));
      }
    },
    stop: async () => {
      await server.stop();
      await git.stop();
      await folder.remove();
    },
  };
  return scene;
}

/** Writes these scripts for /bin/sh and the operator's file that allows them; returns its path. */
export async function writeCommands(
  folder: string,
  scripts: Readonly<Record<string, string>>,
): Promise<string> {
  await mkdir(join(folder, "programs"));
  const programs: Record<string, object> = {};
  for (const [name, script] of Object.entries(scripts)) {
    const path = join(folder, "programs", name);
    await writeFile(path, `#!/bin/sh\n${script}\n`);
    await chmod(path, 0o700);
    programs[name] = { argv: [path], environment: { PATH: "/usr/bin:/bin" } };
  }
  const file = join(folder, "commands.json");
  await writeFile(file, JSON.stringify({ programs }), { mode: 0o600 });
  return file;
}
