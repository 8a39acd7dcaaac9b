import { newId } from "../../src/kernel/id.ts";
import { createBareRepository } from "../support/github/bare-repository.ts";
import { githubScene } from "../support/github/github-scene.ts";
import { programScene } from "../support/programs.ts";
import { type Behaviour, type CiFixture, ciProviderConformance } from "./ci-provider.ts";

async function commandFixture(): Promise<CiFixture> {
  const scene = await programScene({
    succeeds: { script: "exit 0" },
    fails: { script: "echo no such cluster\nexit 3" },
    runs: { script: "sleep 300" },
  });
  return {
    provider: scene.provider,
    request: (behaviour: Behaviour) => scene.request(behaviour),
    refused: () => scene.request("not-listed"),
    unknownRun: "0".repeat(24),
    stop: scene.remove,
  };
}

/** One workflow file for each behaviour; all show the id that they are given. */
async function githubFixture(): Promise<CiFixture> {
  const git = await createBareRepository();
  const scene = await githubScene(git);
  const { github, repository } = scene;
  const conclusions: Readonly<Record<Behaviour, string | null>> = {
    succeeds: "success",
    fails: "failure",
    runs: null,
  };
  for (const behaviour of Object.keys(conclusions))
    github.addWorkflow(repository, `${behaviour}.yml`, {
      name: behaviour,
      inputs: { headgate_run_id: {} },
      runName: (inputs) => `${behaviour} ${inputs["headgate_run_id"] ?? ""}`,
    });
  github.hooks.onDispatch = (run) => {
    github.begin(run);
    const conclusion = conclusions[run.workflow.name as Behaviour];
    if (conclusion !== null) github.complete(run, conclusion);
  };
  const request = (workflow: string) => {
    const id = newId(new Date());
    return scene.request({ id, label: "", workflow, inputs: { headgate_run_id: id } });
  };
  return {
    provider: scene.provider,
    request: (behaviour) => request(`${behaviour}.yml`),
    refused: () => ({ ...request("runs.yml"), inputs: { undeclared: "1" } }),
    unknownRun: "4711",
    stop: async () => {
      await scene.close();
      await git.remove();
    },
  };
}

ciProviderConformance("command", commandFixture);
ciProviderConformance("GitHub Actions", githubFixture);
