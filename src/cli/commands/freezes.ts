import type { Command } from "commander";
import {
  CreateFreeze,
  type FreezeLine,
  type FreezeReply,
  GetFreeze,
  LiftFreeze,
  ListFreezes,
} from "../../api/contract/freezes.ts";
import { define, group, run } from "../define.ts";
import { type FreezeOptions, freezeBody } from "../freeze-body.ts";
import { activeText, placeText, scheduleText } from "../freeze-words.ts";
import { type JsonOption, positiveNumber } from "../options.ts";
import { harmless, print, printFields, printJson, printTable, shortTime } from "../output.ts";
import { MOMENT_FORM } from "../read-moment.ts";
import { signedIn } from "../session.ts";

/** `headgate freeze …`: when deployments may not start. */
export function addFreezeCommands(program: Command): void {
  const freeze = group(program, "freeze", "Freezes: when deployments may not start, or may start at all");
  define(freeze, "create <name>", {
    summary: "Make a freeze; without a time it holds from now on until it is lifted",
    examples: [
      'headgate freeze create stocktaking --project shop --reason "stocktaking"',
      'headgate freeze create winter --tier production --from 2026-12-20 --until 2027-01-07 --reason "holidays"',
      "headgate freeze create office-hours --project shop --environment prod --allow \\",
      '    --cron "0 9 * * 1-4" --minutes 480 --zone Europe/Berlin --reason "when people are there"',
    ],
    more: `Without --project, --tier or --environment it holds for everything. Deploying against it takes --force and the role of --bypass.\n${MOMENT_FORM}`,
  })
    .requiredOption("--reason <text>", "what those read who are stopped by it")
    .option("--project <key>", "only this project")
    .option("--tier <tier>", "only environments of this tier: production, staging or development")
    .option("--environment <name>", "only this environment of the project")
    .option("--from <moment>", "from then on; now when left out")
    .option("--until <moment>", "until then")
    .option("--cron <expression>", "again and again: when it begins, in five fields")
    .option("--minutes <number>", "how long each time", positiveNumber)
    .option("--zone <zone>", "on whose clock, such as Europe/Berlin")
    .option("--allow", "the other way round: deployments may start at these times alone")
    .option("--owner <name>", "whom to ask; you when left out")
    .option("--expires <moment>", "from then on it counts no more")
    .option(
      "--bypass <role>",
      "the least role that may force it: viewer, releaser, approver, admin, or nobody",
    )
    .action(run(create));
  define(freeze, "list", {
    summary: "List the freezes that were not lifted",
    examples: ["headgate freeze list"],
  }).action(run(listAll));
  define(freeze, "show <freeze>", {
    summary: "Show a freeze, by name or id, and its next windows",
    examples: ["headgate freeze show winter"],
  }).action(run(show));
  define(freeze, "lift <freeze>", {
    summary: "End a freeze for good; what waits behind it may start",
    examples: ["headgate freeze lift winter"],
  }).action(run(lift));
}

async function create(name: string, options: FreezeOptions): Promise<void> {
  const body = freezeBody(name, options);
  const client = await signedIn();
  const made = await client.call(CreateFreeze, { body });
  if (options.json) return printJson(made);
  print(
    harmless(
      `Freeze ${made.name} of ${placeText(made.place)} is made: ${scheduleText(made)}; ${activeText(made)}.`,
    ),
  );
}

async function listAll(options: JsonOption): Promise<void> {
  const client = await signedIn();
  const { items } = await client.call(ListFreezes, {});
  if (options.json) return printJson(items);
  printTable(["NAME", "PLACE", "EFFECT", "WHEN", "NOW", "ASK", "BYPASS", "REASON"], items.map(lineOf));
}

const lineOf = (item: FreezeLine): string[] => [
  item.name,
  placeText(item.place),
  item.effect,
  scheduleText(item),
  activeText(item),
  item.ownerName,
  item.bypass ?? "nobody",
  item.reason,
];

async function show(name: string, options: JsonOption): Promise<void> {
  const client = await signedIn();
  const found = await client.call(GetFreeze, { params: { freeze: name } });
  if (options.json) printJson(found);
  else printFreeze(found);
}

const printFreeze = (found: FreezeReply): void =>
  printFields([
    ["freeze", found.name],
    ["id", found.id],
    ["place", placeText(found.place)],
    ["effect", found.effect],
    ["when", scheduleText(found)],
    [
      "now",
      found.liftedAt
        ? `lifted ${shortTime(found.liftedAt)} by ${found.liftedBy ?? "nobody"}`
        : activeText(found),
    ],
    ...found.windows.map(
      ({ startsAt, endsAt }) =>
        ["window", `${shortTime(startsAt)} to ${endsAt ? shortTime(endsAt) : "no end in sight"}`] as const,
    ),
    ["reason", found.reason],
    ["ask", found.ownerName],
    ["bypass", found.bypass ?? "nobody"],
    ["expires", found.expiresAt ? shortTime(found.expiresAt) : ""],
    [
      "made",
      `${shortTime(found.createdAt)} by ${found.createdBy}${found.origin === "configuration" ? ", from a file" : ""}`,
    ],
  ]);

async function lift(name: string, options: JsonOption): Promise<void> {
  const client = await signedIn();
  const lifted = await client.call(LiftFreeze, { params: { freeze: name } });
  if (options.json) printJson(lifted);
  else print(harmless(`Freeze ${lifted.name} of ${placeText(lifted.place)} is lifted.`));
}
