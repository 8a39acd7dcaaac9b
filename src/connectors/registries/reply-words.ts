import * as z from "zod";
import type { HttpReply } from "../http-reply.ts";
import { printable } from "../printable.ts";
import { statusWords } from "../status-words.ts";

const MAX_ERROR_BYTES = 64 * 1024;

const RegistryErrors = z.object({
  errors: z.array(z.object({ code: z.string().optional(), message: z.string().optional() })).min(1),
});
/** How token services of other makes put it. */
const ServiceError = z.object({
  error: z.string().optional(),
  error_description: z.string().optional(),
  message: z.string().optional(),
  details: z.string().optional(),
});

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

function wordsOf(body: unknown): string {
  const registry = RegistryErrors.safeParse(body);
  if (registry.success)
    return registry.data.errors
      .map(({ code, message }) => [code, message].filter(Boolean).join(": "))
      .filter(Boolean)
      .join("; ");
  const service = ServiceError.safeParse(body);
  if (!service.success) return "";
  const { error, error_description: description, message, details } = service.data;
  return [error, description ?? message ?? details].filter(Boolean).join(": ");
}

/** What a refusal says: its `errors[].code: message`, else its status. Takes the body. */
export async function replyWords(reply: HttpReply, secrets: readonly string[]): Promise<string> {
  const text = (await reply.beginning(MAX_ERROR_BYTES)).toString();
  const words = wordsOf(parseJson(text));
  return printable(words || statusWords(reply.status), secrets);
}
