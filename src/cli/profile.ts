import { mkdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { homedir } from "node:os";
import { dirname, join } from "node:path";
import * as z from "zod";
import { misuse } from "./failure.ts";

/** What `headgate login` keeps between commands: which server, and a token for it. */
const Profile = z.object({ url: z.string(), token: z.string() });
export type Profile = z.output<typeof Profile>;

/** `$XDG_CONFIG_HOME/headgate/profile.json`, else below `~/.config`. */
export function profilePath(): string {
  const configured = process.env["XDG_CONFIG_HOME"];
  const folder = configured !== undefined && configured !== "" ? configured : join(homedir(), ".config");
  return join(folder, "headgate", "profile.json");
}

export async function readProfile(): Promise<Profile | null> {
  let text: string;
  try {
    text = await readFile(profilePath(), "utf8");
  } catch {
    return null;
  }
  try {
    return Profile.parse(JSON.parse(text));
  } catch {
    throw misuse(`${profilePath()} cannot be read; remove it, and sign in with: headgate login`);
  }
}

/** A file that only its owner may read takes the place of the one before, whatever that was: nobody had it open. */
export async function writeProfile(profile: Profile): Promise<void> {
  await mkdir(dirname(profilePath()), { recursive: true, mode: 0o700 });
  const draft = `${profilePath()}.${process.pid}.new`;
  await rm(draft, { force: true });
  await writeFile(draft, `${JSON.stringify(profile, null, 2)}\n`, { mode: 0o600, flag: "wx" });
  await rename(draft, profilePath());
}

export const removeProfile = (): Promise<void> => rm(profilePath(), { force: true });
