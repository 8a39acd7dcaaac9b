import type { Command } from "commander";
import type { Client } from "../../api/client.ts";
import { RetryDistribution } from "../../api/contract/distributions.ts";
import {
  CreateRelease,
  DeleteRelease,
  GetRelease,
  GetReleaseByVersion,
  ListReleases,
  type ReleaseReply,
} from "../../api/contract/releases.ts";
import type { DistributionStatus } from "../../distributions/distribution.ts";
import { define, group, run } from "../define.ts";
import { misuse } from "../failure.ts";
import { IMAGE_FORM } from "../image-option.ts";
import { askedForReferrers, collect, type JsonOption, limited, type LimitOption } from "../options.ts";
import { print, printJson, printTable, shortTime } from "../output.ts";
import { firstItems } from "../pages.ts";
import { progressView } from "../progress.ts";
import { type CreateOptions, releaseBody } from "../release-body.ts";
import { printRelease, printYaml } from "../print-release.ts";
import { signedIn } from "../session.ts";
import { watchRelease } from "../watch-release.ts";
import { addCandidateCommands } from "./candidates.ts";

/** Which release a command means: by its id, or by project and version. */
interface WhichRelease extends JsonOption {
  readonly project?: string;
  readonly version?: string;
}

const which = (command: Command): Command =>
  command
    .option("--project <key>", "its project")
    .option("--version <text>", "its version, as an alternative to the id");

/** `headgate release …`: what is promised to users, its images pinned and copied. */
export function addReleaseCommands(program: Command): void {
  const release = group(program, "release", "Releases: pin the images of a version and copy them");
  addCreate(release);
  addCandidateCommands(release);
  limited(
    define(release, "list", {
      summary: "List a project's releases, newest first",
      examples: [
        "headgate release list --project shop",
        "headgate release list --project shop --status failed --json",
      ],
    }),
  )
    .requiredOption("--project <key>", "the project")
    .option("--status <status>", "creating, retrying, success, failed or cancelled")
    .option("--label <label>", "only those with this label")
    .action(run(listAll));
  which(
    define(release, "show [id]", {
      summary: "Show a release: its images, pinned by digest, and how far their copy is",
      examples: [
        "headgate release show --project shop --version 1.0.0",
        "headgate release show --project shop --version 1.0.0 --yaml > shop.yaml",
      ],
    }),
  )
    .option("--yaml", "print the YAML with pinned references instead, ready to apply")
    .action(run(show));
  which(
    define(release, "watch [id]", {
      summary: "Watch the copy of a release until it ends; fails when the copy does",
      examples: ["headgate release watch --project shop --version 1.0.0"],
    }),
  ).action(run(watch));
  which(
    define(release, "retry [id]", {
      summary: "Try the failed images of a release again",
      examples: ["headgate release retry --project shop --version 1.0.0 --watch"],
    }),
  )
    .option("--watch", "watch it until it ends")
    .action(run(retry));
  which(
    define(release, "delete [id]", {
      summary: "Delete a release; a copy under way is cancelled first, copied images stay",
      examples: ["headgate release delete --project shop --version 1.0.0"],
    }),
  ).action(run(remove));
}

const addCreate = (release: Command): Command =>
  askedForReferrers(
    define(release, "create", {
      summary: "Make a release: pin its images, and copy them by digest to a registry",
      examples: [
        "headgate release create --project shop --version 1.0.0 --registry prod \\",
        "    --image api/api=127.0.0.1:5501/shop/api:1.0.0 --yaml api=api.yaml --watch",
        "headgate release create --project shop --version 1.0.1 --registry prod --from 1.0.0",
        "headgate release create --project shop -f release.json",
      ],
      more:
        `An image has the form ${IMAGE_FORM}.\n` +
        "Without target= it goes to <registry>/<namespace>/<last part of the source>:<tag>. The source's registry must be\n" +
        "known (headgate registry add) and shared with the project. --from takes the digests that another version pinned.\n" +
        "A file holds the body of POST /v1/projects/:project/releases (see /docs on the server); flags win over it.\n" +
        "Signatures, SBOMs and the like are copied on request: for this version, or for all of a project (headgate project change).",
    }),
  )
    .option("--project <key>", "the project")
    .option("--version <text>", "the version, 1 to 128 characters")
    .option("--registry <name or id>", "the registry that images are pushed to")
    .option("--image <image>", "an image of a service; may be repeated", collect)
    .option("--yaml <service=file>", "a service's Kubernetes YAML; may be repeated", collect)
    .option("--from <version>", "take the images that this version pinned")
    .option("--description <text>", "what people should know of it")
    .option("--label <label>", "may be repeated", collect)
    .option("-f, --file <file>", "read the request from a JSON file; - is standard input")
    .option("--idempotency-key <key>", "makes a repeated command answer like the first one, for 24 hours")
    .option("--watch", "watch the copy until it ends; fails when the copy does")
    .action(run(create));

async function create(
  options: CreateOptions & JsonOption & { readonly watch?: true; readonly idempotencyKey?: string },
): Promise<void> {
  const { project, body } = await releaseBody(options);
  const client = await signedIn();
  const { idempotencyKey } = options;
  const made = await client.call(
    CreateRelease,
    { params: { project }, body },
    idempotencyKey === undefined ? {} : { idempotencyKey },
  );
  if (!options.json) print(`Release ${made.version} of ${made.project} is made: ${made.id}`);
  if (options.watch) return await watchThenShow(client, made, options);
  if (options.json) printJson(made);
}

async function watchThenShow(client: Client, release: ReleaseReply, options: JsonOption): Promise<void> {
  const view = options.json ? { show: () => undefined } : progressView();
  try {
    await watchRelease(client, release, view);
  } finally {
    if (options.json) printJson(await client.call(GetRelease, { params: { release: release.id } }));
  }
}

async function findRelease(
  client: Client,
  id: string | undefined,
  given: WhichRelease,
): Promise<ReleaseReply> {
  if (id !== undefined) return await client.call(GetRelease, { params: { release: id } });
  const { project, version } = given;
  if (project === undefined || version === undefined)
    throw misuse("say which release: its id, or --project <key> and --version <text>");
  return await client.call(GetReleaseByVersion, { params: { project, version } });
}

async function listAll(
  options: JsonOption &
    LimitOption & { readonly project: string; readonly status?: string; readonly label?: string },
): Promise<void> {
  const client = await signedIn();
  const { project, label } = options;
  // Checked by the server, which says which ones there are.
  const status = options.status as DistributionStatus | undefined;
  const items = await firstItems(options.limit, (page) =>
    client.call(ListReleases, { params: { project }, query: { ...page, status, label } }),
  );
  if (options.json) return printJson(items);
  printTable(
    ["VERSION", "STATUS", "IMAGES", "LABELS", "MADE", "BY", "ID"],
    items.map((item) => [
      item.version,
      item.distribution.status,
      `${item.distribution.verifiedItems}/${item.distribution.totalItems}`,
      item.labels.join(" "),
      shortTime(item.createdAt),
      item.createdBy,
      item.id,
    ]),
  );
}

async function show(id: string | undefined, options: WhichRelease & { readonly yaml?: true }): Promise<void> {
  const release = await findRelease(await signedIn(), id, options);
  if (options.json) printJson(release);
  else if (options.yaml) printYaml(release);
  else printRelease(release);
}

async function watch(id: string | undefined, options: WhichRelease): Promise<void> {
  const client = await signedIn();
  await watchThenShow(client, await findRelease(client, id, options), options);
}

async function retry(
  id: string | undefined,
  options: WhichRelease & { readonly watch?: true },
): Promise<void> {
  const client = await signedIn();
  const release = await findRelease(client, id, options);
  const begun = await client.call(RetryDistribution, { params: { release: release.id } });
  if (!options.json)
    print(`Release ${release.version} of ${release.project} is tried again, for the ${begun.attempt}. time.`);
  if (options.watch) await watchThenShow(client, release, options);
  else if (options.json) printJson(begun);
}

async function remove(id: string | undefined, options: WhichRelease): Promise<void> {
  const client = await signedIn();
  const release = await findRelease(client, id, options);
  await client.call(DeleteRelease, { params: { release: release.id } });
  if (options.json) printJson({ deleted: release.id });
  else
    print(`Release ${release.version} of ${release.project} is deleted. What was copied stays where it is.`);
}
