import { dirname, join } from "node:path";
import { inject } from "vitest";

/** The program as it is published, made once for the test run: it starts in half the time that its sources take. */
export const MAIN = inject("program");

/** What a process of it has of ours: where to find other programs, and where to keep what it has compiled. */
export const ENVIRONMENT: Readonly<Record<string, string>> = {
  PATH: process.env["PATH"] ?? "",
  XDG_CACHE_HOME: join(dirname(MAIN), "cache"),
};
