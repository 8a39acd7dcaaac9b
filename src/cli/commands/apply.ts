import { readFile } from "node:fs/promises";
import { text } from "node:stream/consumers";
import type { Command } from "commander";
import { ApplyConfiguration, PlanConfiguration } from "../../api/contract/configuration.ts";
import { define, run } from "../define.ts";
import { CommandFailure, EXIT, misuse } from "../failure.ts";
import { note, print, printJson } from "../output.ts";
import { countText, printPlan } from "../print-plan.ts";
import { confirmed } from "../prompt.ts";
import { readConfiguration } from "../read-configuration.ts";
import { signedIn } from "../session.ts";

interface ApplyOptions {
  readonly json?: true;
  readonly file: string;
  readonly dryRun?: true;
  readonly yes?: true;
}

const more = `The file says what there shall be; what it leaves out stays as it is. Nothing is removed, but a freeze that came from a file is
lifted when a file with a list of freezes lacks it:
  projects:
    - key: shop
      name: The shop
      services: [api, web]
      source: github
      repository: acme/shop
      workflows:
        - { name: deploy, provider: command, target: deploy-shop }
      environments:
        - { name: staging, tier: staging, workflow: deploy }
        - { name: prod, tier: production, workflow: deploy, promotionFrom: staging }
  connections:
    - name: prod
      host: registry.example
      username: robot
      password: { fromEnv: PROD_PASSWORD }
      projects: [shop]            # or: all
  users:
    - name: ana
      password: { fromEnv: ANA_PASSWORD }
      roles: { shop: releaser }
  freezes:
    - name: winter
      place: { tier: production }
      schedule: { kind: once, startsAt: "2026-12-20T00:00:00Z", endsAt: "2027-01-07T00:00:00Z" }
      reason: nobody is there
More fields of a connection: kind, webhookSecret, namespace, provider, region, default, plainHttp, allowPrivate, ca.
More fields of a user: systemAdmin, disabled. Secrets come from environment variables alone.`;

/** `headgate apply`: brings projects, connections, users and freezes to what a file says. */
export function addApplyCommand(program: Command): void {
  define(program, "apply", {
    summary: "Create and change projects, environments, connections, users and freezes as a file says",
    examples: ["headgate apply -f headgate.yaml --dry-run", "headgate apply -f headgate.yaml --yes"],
    more,
  })
    .requiredOption("-f, --file <file>", "the file, YAML; - reads standard input")
    .option("--dry-run", "only show what would change")
    .option("--yes", "do not ask; needed where nobody can be asked")
    .action(run(apply));
}

async function apply(options: ApplyOptions): Promise<void> {
  const client = await signedIn();
  const given = options.file === "-" ? await text(process.stdin) : await readFile(options.file, "utf8");
  const configuration = readConfiguration(options.file, given, process.env);
  const plan = await client.call(PlanConfiguration, { body: configuration });
  const asJson = options.json ?? false;
  if (options.dryRun || plan.changes.length === 0) {
    if (asJson) printJson({ applied: false, changes: plan.changes });
    else if (plan.changes.length === 0) print("Nothing to change: everything is as the file says.");
    else printPlan(plan.changes);
    return;
  }
  if (!asJson) printPlan(plan.changes);
  await requireConsent(options, countText(plan.changes));
  const { fingerprint } = plan;
  const done = await client.call(ApplyConfiguration, { body: { ...configuration, fingerprint } });
  if (asJson) printJson({ applied: true, changes: done.changes });
  else note("Applied.");
}

async function requireConsent({ yes }: ApplyOptions, what: string): Promise<void> {
  if (yes) return;
  if (!process.stdin.isTTY || !process.stderr.isTTY)
    throw misuse(`${what}: nobody can be asked here, so say --yes to apply, or --dry-run`);
  if (!(await confirmed(`${what}. Apply?`))) throw new CommandFailure(EXIT.failed, "nothing was applied");
}
