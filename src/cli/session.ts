import { type Client, createClient } from "../api/client.ts";
import { CommandFailure, EXIT, misuse } from "./failure.ts";
import { readProfile } from "./profile.ts";

const DEFAULT_URL = "http://127.0.0.1:7420";

/** Which server a command speaks to, and as whom. */
export interface Session {
  readonly url: string;
  readonly token: string | null;
}

const setting = (name: string): string | null => process.env[name] || null;

/** Settings in order: HEADGATE_URL and HEADGATE_TOKEN, the profile of `headgate login`, the default address. */
export async function openSession(): Promise<Session> {
  const profile = await readProfile();
  const url = checkedUrl(setting("HEADGATE_URL") ?? profile?.url ?? DEFAULT_URL);
  // A token belongs to the server that made it: another server must not see it.
  const token = setting("HEADGATE_TOKEN") ?? (profile?.url === url ? profile.token : null);
  return { url, token };
}

function checkedUrl(text: string): string {
  if (!URL.canParse(text) || !/^https?:$/.test(new URL(text).protocol))
    throw misuse(`HEADGATE_URL must be an address like ${DEFAULT_URL}, not "${text}"`);
  return text.replace(/\/+$/, "");
}

/** A client for commands that need to be somebody. */
export async function signedIn(): Promise<Client> {
  const session = await openSession();
  if (session.token === null)
    throw new CommandFailure(
      EXIT.noAnswer,
      `not signed in to ${session.url}: run "headgate login", or set HEADGATE_TOKEN`,
    );
  return createClient(session);
}
