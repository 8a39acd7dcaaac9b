import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import type { GithubCall } from "./answer-call.ts";
import type { GitRefs } from "./bare-repository.ts";
import { createFaults, type Faults } from "./faults.ts";
import { createLimits, type Limits } from "./limits.ts";
import { addRun, type NewRun, type RunLife, runLife } from "./run-life.ts";
import { serve } from "./serve.ts";
import { createWebhooks, type Webhooks } from "./webhooks.ts";
import type { Access, Repository, Run, Workflow, World } from "./world.ts";

/** What a workflow of a test is; active, and with `workflow_dispatch` without inputs, unless said. */
export type WorkflowOptions = Partial<Pick<Workflow, "name" | "state" | "inputs" | "runName">>;

/**
 * A GitHub on loopback: tokens, repositories over real bare ones, Actions, webhooks, limits and faults. Every answer is
 * held against GitHub's own description, every webhook against its own examples.
 */
export interface Github
  extends RunLife, Pick<World, "runs" | "hooks" | "dispatchAnswer" | "appearanceMillis" | "tokens"> {
  /** `127.0.0.1:port`; the same after `up`. */
  readonly host: string;
  readonly calls: readonly GithubCall[];
  readonly limits: Limits;
  readonly faults: Faults;
  readonly webhooks: Webhooks;
  /** Its clock is ours plus this, in milliseconds. */
  skewMillis: number;
  addRepository(fullName: string, git: GitRefs, options?: { readonly isPublic?: boolean }): Repository;
  addWorkflow(repository: Repository, file: string, options?: WorkflowOptions): Workflow;
  addToken(token: string, access: Access): void;
  /** A run that came otherwise than by a dispatch of ours. */
  addRun(run: NewRun): Run;
  /** The repository is called otherwise from now on; the old name is redirected. */
  rename(repository: Repository, fullName: string): void;
  /** Refuses connections, and takes them again on the same port. */
  down(): Promise<void>;
  up(): Promise<void>;
  /** Ends it; fails when a call came that it does not know, or when it gave an answer that GitHub would not. */
  stop(): Promise<void>;
}

const listen = (server: Server, port: number): Promise<void> =>
  new Promise((resolve, reject) => {
    server.once("error", reject).listen(port, "127.0.0.1", () => resolve());
  });

const close = (server: Server): Promise<void> =>
  new Promise((resolve) => {
    server.close(() => resolve());
    server.closeAllConnections();
  });

/** Starts a GitHub on a free loopback port. */
export async function startGithub(): Promise<Github> {
  const calls: GithubCall[] = [];
  const problems: string[] = [];
  const { faults, take } = createFaults();
  const { webhooks, tell } = createWebhooks((fault) => void problems.push(fault));
  const server = createServer((request, response) => {
    serve(desk, request, response).catch((error: unknown) => {
      problems.push(String(error));
      response.destroy();
    });
  });
  await listen(server, 0);
  const { port } = server.address() as AddressInfo;
  const host = `127.0.0.1:${port}`;

  const world: World & { skewMillis: number } = {
    base: `http://${host}`,
    skewMillis: 0,
    now: () => new Date(Date.now() + world.skewMillis),
    repositories: [],
    runs: [],
    tokens: new Map(),
    dispatchAnswer: "details",
    appearanceMillis: 0,
    hooks: {},
    tell: (action, run) => tell(world, action, run),
  };
  const desk = {
    world,
    limits: createLimits(world.now()),
    takeFault: take,
    note: (call: GithubCall) => void calls.push(call),
    complain: (problem: string) => void problems.push(problem),
  };

  const added = {
    host,
    calls,
    limits: desk.limits,
    faults,
    webhooks,
    addRepository: (fullName, git, { isPublic = false } = {}) => {
      const id = 1_296_269 + world.repositories.length;
      const repository: Repository = { id, fullName, isPublic, git, workflows: [], oldNames: new Set() };
      world.repositories.push(repository);
      return repository;
    },
    addWorkflow: (repository, file, { name = file, state = "active", inputs = {}, runName = null } = {}) => {
      const id = 159_038 + repository.id * 10 + repository.workflows.length;
      const workflow: Workflow = { id, name, file, state, inputs, runName };
      repository.workflows.push(workflow);
      return workflow;
    },
    addToken: (token, access) => void world.tokens.set(token, access),
    addRun: (run) => addRun(world, run),
    rename: (repository, fullName) => {
      repository.oldNames.add(repository.fullName.toLowerCase());
      for (const [token, { [repository.fullName]: right, ...others }] of world.tokens)
        if (right) world.tokens.set(token, { ...others, [fullName]: right });
      repository.fullName = fullName;
    },
    down: () => close(server),
    up: () => listen(server, port),
    stop: async () => {
      await webhooks.settled();
      if (server.listening) await close(server);
      if (problems.length > 0) throw new Error(`The stand-in for GitHub: ${problems.join("; ")}`);
    },
  } satisfies Partial<Github>;
  // One object, so that what a test sets on it is what GitHub goes by.
  return Object.assign(world, runLife(world), added);
}
