import * as z from "zod";
import { Id } from "../kernel/id.ts";
import { Instant } from "../kernel/time.ts";

/** A blob on its way into a repository. How many bytes are in, its file says. */
export const Upload = z.object({
  id: Id,
  repositoryId: Id,
  startedAt: Instant,
  /** Of the last request that added bytes. */
  updatedAt: Instant,
});
export type Upload = z.output<typeof Upload>;

/** How an upload stands. */
export interface UploadState {
  readonly id: string;
  readonly sizeBytes: number;
}

/** Nobody goes on with an upload that rested this long. */
export const UPLOAD_LIFETIME_MILLIS = 24 * 60 * 60 * 1000;
