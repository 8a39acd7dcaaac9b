import type { Command } from "commander";
import { addApplyCommand } from "./commands/apply.ts";
import { addAuditCommands } from "./commands/audit.ts";
import { addBackupCommand } from "./commands/backup.ts";
import { addDeployCommands } from "./commands/deploy.ts";
import { addDeploymentCommands } from "./commands/deployments.ts";
import { addEnvironmentCommands } from "./commands/environments.ts";
import { addFreezeCommands } from "./commands/freezes.ts";
import { addHoldCommands } from "./commands/holds.ts";
import { addMatrixCommand } from "./commands/matrix.ts";
import { addProjectCommands } from "./commands/projects.ts";
import { addRegistryCommands } from "./commands/registries.ts";
import { addReleaseCommands } from "./commands/releases.ts";
import { addSignInCommands } from "./commands/sign-in.ts";
import { addSourceCommands } from "./commands/sources.ts";
import { addTokenCommands } from "./commands/tokens.ts";
import { addUserCommands } from "./commands/users.ts";
import { addWhyCommand } from "./commands/why.ts";
import { addWorkflowCommands } from "./commands/workflows.ts";
import { EXIT_CODES_HELP } from "./failure.ts";

const FIRST_STEPS = `
From nothing to a copied release, with two registries at hand:
  export HEADGATE_ADMIN_TOKEN=a-text-of-at-least-32-characters
  headgate serve &
  export HEADGATE_TOKEN=$HEADGATE_ADMIN_TOKEN
  headgate project create shop
  headgate registry add build --host 127.0.0.1:5501 --plain-http --allow-private --all-projects
  headgate registry add prod --host 127.0.0.1:5502 --plain-http --allow-private --all-projects
  headgate release create --project shop --version 1.0.0 --registry prod \\
      --image api/api=127.0.0.1:5501/shop/api:1.0.0 --watch
  headgate release show --project shop --version 1.0.0

Then run it somewhere. Without a workflow of Headgate's somebody else deploys, and reports:
  headgate environment create shop prod --tier production
  headgate deploy shop prod 1.0.0
  headgate report shop prod 1.0.0 success
  headgate why shop prod 1.0.0

Client commands read:
  HEADGATE_URL    where the server is (http://127.0.0.1:7420)
  HEADGATE_TOKEN  a token; else the one that "headgate login" keeps
  NO_COLOR        no colours`;

/** Adds every command that only speaks to a server's API. */
export function addClientCommands(program: Command): void {
  program.addHelpText("after", `${FIRST_STEPS}\n${EXIT_CODES_HELP}`);
  addSignInCommands(program);
  addProjectCommands(program);
  addRegistryCommands(program);
  addSourceCommands(program);
  addReleaseCommands(program);
  addWorkflowCommands(program);
  addEnvironmentCommands(program);
  addDeployCommands(program);
  addDeploymentCommands(program);
  addWhyCommand(program);
  addFreezeCommands(program);
  addHoldCommands(program);
  addMatrixCommand(program);
  addUserCommands(program);
  addTokenCommands(program);
  addAuditCommands(program);
  addApplyCommand(program);
  addBackupCommand(program);
}
