import type { Command } from "commander";
import { CutCandidate, LiftBadMark, ListCandidates, MarkBad } from "../../api/contract/candidates.ts";
import { define, run } from "../define.ts";
import { type JsonOption, limited, type LimitOption } from "../options.ts";
import { harmless, print, printJson, printTable, shortTime } from "../output.ts";
import { firstItems } from "../pages.ts";
import { signedIn } from "../session.ts";
import { watchBuild } from "../watch-build.ts";

interface WhichVersion extends JsonOption {
  readonly project: string;
  readonly version: string;
}

const which = (command: Command): Command =>
  command
    .requiredOption("--project <key>", "its project")
    .requiredOption("--version <text>", "its version: a candidate's, or a release's that has none");

/** The commands of `headgate release …` that are about candidates and marks. */
export function addCandidateCommands(release: Command): void {
  define(release, "cut", {
    summary: "Cut a candidate of a release from a commit; the same again changes nothing",
    examples: [
      "headgate release cut --project shop --version 1.2.3-rc1 --commit 4f2a91c",
      "headgate release cut --project shop --version 1.2.3-rc1 --commit 4f2a91c --build --watch",
    ],
    more: "A candidate's version is <release>-rc<number>. Its commit is looked up in the project's repository and never changes.",
  })
    .requiredOption("--project <key>", "its project")
    .requiredOption("--version <text>", "the candidate's version")
    .requiredOption("--commit <hash>", "the commit, or the beginning of its hash")
    .option("--build", "start the project's build; otherwise it is ready at once")
    .option("--watch", "watch the build until it ends; fails when it does not succeed")
    .action(run(cut));
  limited(
    define(release, "candidates", {
      summary: "List a project's candidates, newest first",
      examples: ["headgate release candidates --project shop"],
    }),
  )
    .requiredOption("--project <key>", "the project")
    .action(run(listAll));
  which(
    define(release, "mark-bad", {
      summary: "Mark a version bad: it is neither deployed nor gone back to any more",
      examples: ['headgate release mark-bad --project shop --version 1.2.3-rc1 --reason "loses orders"'],
    }),
  )
    .requiredOption("--reason <text>", "what those read who are stopped by it")
    .action(run(mark));
  which(
    define(release, "unmark", {
      summary: "Take the mark off a version again",
      examples: ["headgate release unmark --project shop --version 1.2.3-rc1"],
    }),
  ).action(run(unmark));
}

async function cut(
  options: WhichVersion & { readonly commit: string; readonly build?: true; readonly watch?: true },
): Promise<void> {
  const client = await signedIn();
  const { project, version, commit, build = false } = options;
  const made = await client.call(CutCandidate, { params: { project }, body: { version, commit, build } });
  if (!options.json)
    print(
      harmless(
        `Candidate ${made.version} of ${made.project} ${made.isNew ? "is cut" : "was there already, cut"} from ${made.commit.slice(0, 12)}.`,
      ),
    );
  if (options.watch) return await watchBuild(client, { project, version: made.version }, options);
  if (options.json) printJson(made);
  else print(made.buildStatus);
}

async function listAll(options: JsonOption & LimitOption & { readonly project: string }): Promise<void> {
  const client = await signedIn();
  const params = { project: options.project };
  const items = await firstItems(options.limit, (query) => client.call(ListCandidates, { params, query }));
  if (options.json) return printJson(items);
  printTable(
    ["VERSION", "COMMIT", "BUILD", "MARK", "MADE", "BY"],
    items.map((item) => [
      item.version,
      item.commit.slice(0, 12),
      item.buildError === "" ? item.buildStatus : `${item.buildStatus}: ${item.buildError}`,
      item.isBad ? "bad" : "",
      shortTime(item.createdAt),
      item.createdBy,
    ]),
  );
}

async function mark(options: WhichVersion & { readonly reason: string }): Promise<void> {
  const client = await signedIn();
  const { project, version, reason } = options;
  const made = await client.call(MarkBad, { params: { project, version }, body: { reason } });
  if (options.json) printJson(made);
  else print(harmless(`${version} of ${project} is marked bad: ${reason}`));
}

async function unmark(options: WhichVersion): Promise<void> {
  const client = await signedIn();
  const { project, version } = options;
  await client.call(LiftBadMark, { params: { project, version } });
  if (options.json) printJson({ unmarked: version });
  else print(harmless(`${version} of ${project} is not marked any more.`));
}
