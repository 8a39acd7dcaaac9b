import type { ReleaseReply } from "../api/contract/releases.ts";
import type { Referrer } from "../releases/referrer.ts";
import { CommandFailure, EXIT } from "./failure.ts";
import { bytesText, coloured, harmless, print, printFields, shortTime } from "./output.ts";
import { nameOf, shortDigest } from "./progress-words.ts";

/** A release for people: what it is, and each image with the reference that will run. */
export function printRelease(release: ReleaseReply): void {
  const { distribution } = release;
  const copied = `${distribution.verifiedItems} of ${distribution.totalItems} images, ${bytesText(distribution.verifiedBytes)} of ${bytesText(distribution.totalBytes)}`;
  printFields([
    ["release", release.version],
    ["project", release.project],
    ["id", release.id],
    ["status", distribution.status],
    ["error", distribution.error],
    ["copied", distribution.totalItems === 0 ? "" : copied],
    ["made", `${shortTime(release.createdAt)} by ${release.createdBy}`],
    ["labels", release.labels.join(", ")],
    ["description", release.description],
  ]);
  for (const item of release.items) {
    print(`\n${coloured("bold", harmless(nameOf(item)))}`);
    printFields([
      ["  source", item.sourceImage],
      ["  target", item.push ? item.targetImage : ""],
      [
        "  pinned",
        item.pinnedReference ?? `not yet${item.pinProblem === null ? "" : `: ${item.pinProblem}`}`,
      ],
      ["  status", item.status === "not_needed" ? "not copied, as asked" : item.status],
      ["  error", item.error],
      ["  attached", item.referrers.map(attachedText).join(", ")],
    ]);
  }
}

/** What is attached to an image, in a few words. */
function attachedText({ kind, artifactType, digest, sizeBytes, copied }: Referrer): string {
  const what = kind === "referrer" ? (artifactType ?? kind) : kind;
  return `${what} ${shortDigest(digest)} (${bytesText(sizeBytes)}${copied ? "" : ", not copied yet"})`;
}

/** The YAML of all services with pinned references, as one stream of documents, and nothing else. */
export function printYaml(release: ReleaseReply): void {
  const written = release.services.filter((service) => service.receivedYaml !== "");
  const open = written.filter((service) => service.renderedYaml === null).map((service) => service.name);
  if (open.length > 0)
    throw new CommandFailure(
      EXIT.failed,
      `the images of ${open.join(", ")} are not pinned yet: watch the release first`,
    );
  for (const [index, service] of written.entries()) {
    const text = (service.renderedYaml ?? "").replace(/\n+$/, "");
    print(index > 0 && !text.startsWith("---") ? `---\n${text}` : text);
  }
}
