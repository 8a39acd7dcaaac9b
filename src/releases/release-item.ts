import * as z from "zod";
import { Digest } from "../kernel/digest.ts";
import { Id } from "../kernel/id.ts";
import { Instant } from "../kernel/time.ts";

/** Where an item is read or written: a connection, and the repository without the host. */
export const ItemPlace = z.object({ connectionId: Id.nullable(), repository: z.string() });
export type ItemPlace = z.output<typeof ItemPlace>;

/** One image of a release. The pin says what it is for ever; tags are only how it was found. */
export const ReleaseItem = z.object({
  id: Id,
  serviceName: z.string(),
  containerName: z.string(),
  imageName: z.string(),
  /** As sent by the client. */
  sourceImage: z.string(),
  sourceTag: z.string(),
  /** As sent by the client, or computed when it sent none. */
  targetImage: z.string(),
  targetTag: z.string(),
  /** Copied to the target; otherwise only pinned where it is. */
  push: z.boolean(),
  source: ItemPlace,
  target: ItemPlace,
  /** Given when the source is another release's pin: then no tag is read again. */
  sourceDigest: Digest.nullable(),
  pinnedDigest: Digest.nullable(),
  pinnedAt: Instant.nullable(),
  /** Why there is no pin; null when there is one or none was tried yet. */
  pinProblem: z.string().nullable(),
});
export type ReleaseItem = z.output<typeof ReleaseItem>;

/** What will run: the target if there is one, else the source. */
export const imageToRun = (item: Pick<ReleaseItem, "targetImage" | "sourceImage">): string =>
  item.targetImage === "" ? item.sourceImage : item.targetImage;

/** The reference that later deployments use: `repository:tag@sha256:…`; null until pinned. */
export const pinnedReference = (item: ReleaseItem): string | null =>
  item.pinnedDigest === null ? null : `${imageToRun(item).replace(/@.*$/, "")}@${item.pinnedDigest}`;

/** Where the pin is read: what is pushed from its source, anything else where it will run. */
export const pinPlace = (item: ReleaseItem): ItemPlace & { readonly reference: string } =>
  item.push || item.targetImage === ""
    ? { ...item.source, reference: item.sourceDigest ?? item.sourceTag }
    : { ...item.target, reference: item.sourceDigest ?? item.targetTag };
