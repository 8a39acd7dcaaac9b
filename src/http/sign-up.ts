import { createHash } from "node:crypto";
import type { FastifyPluginAsync, FastifyReply } from "fastify";
import { NOBODY } from "../access/actor.ts";
import { signUp } from "../access/sign-up.ts";
import type { Context } from "../context.ts";
import { DomainError } from "../kernel/errors.ts";

const MAX_FORM_BYTES = 4096;

/** The link carries the secret behind a #, which browsers send to nobody: it stays out of every log. */
const FILL_IN = `const code = document.getElementById("secret");
if (location.hash.length > 1) { code.value = location.hash.slice(1); history.replaceState(null, "", location.pathname); }`;

const STYLE = `body{font:16px/1.5 system-ui,sans-serif;max-width:26rem;margin:10vh auto;padding:0 1rem;color:#1b1f24;background:#fff}
label{display:block;margin:1rem 0 .25rem}input{box-sizing:border-box;width:100%;padding:.5rem;font:inherit}
button{margin-top:1.5rem;padding:.5rem 1.25rem;font:inherit}.refused{color:#a40e26}code{background:#f2f3f5;padding:.1rem .3rem}`;

const hashSource = (text: string): string => `'sha256-${createHash("sha256").update(text).digest("base64")}'`;

const POLICY = [
  "default-src 'none'",
  `script-src ${hashSource(FILL_IN)}`,
  `style-src ${hashSource(STYLE)}`,
  "form-action 'self'",
  "base-uri 'none'",
  "frame-ancestors 'none'",
].join("; ");

const escaped = (text: string): string =>
  text.replace(/[&<>"']/g, (character) => `&#${character.codePointAt(0)};`);

const page = (content: string): string => `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width,initial-scale=1">
<title>Headgate: the first admin</title><style>${STYLE}</style></head><body><h1>Headgate</h1>${content}</body></html>`;

const form = (given: { readonly name: string; readonly refusal: string }): string =>
  page(`<p>Become this installation's first admin.</p>
${given.refusal === "" ? "" : `<p class="refused" role="alert">${escaped(given.refusal)}</p>`}
<form method="post" action="/sign-up" autocomplete="off">
<label for="secret">Code from the link</label><input id="secret" name="secret" required maxlength="200">
<label for="name">Your name here</label><input id="name" name="name" required maxlength="128" value="${escaped(given.name)}" autocomplete="username">
<label for="password">Password (10 characters or more)</label><input id="password" name="password" type="password" required minlength="10" maxlength="256" autocomplete="new-password">
<button>Sign up</button></form><script>${FILL_IN}</script>`);

const sendPage = (reply: FastifyReply, status: number, html: string): FastifyReply =>
  reply
    .status(status)
    .headers({
      "content-type": "text/html; charset=utf-8",
      "content-security-policy": POLICY,
      "cache-control": "no-store",
      "referrer-policy": "no-referrer",
      "x-content-type-options": "nosniff",
    })
    .send(html);

/** `/sign-up`: the one plain form, for the first admin and the link that the first start printed. */
export const signUpRoutes =
  (ctx: Context): FastifyPluginAsync =>
  async (app) => {
    app.addContentTypeParser(
      "application/x-www-form-urlencoded",
      { parseAs: "string", bodyLimit: MAX_FORM_BYTES },
      (_request, text, done) => done(null, new URLSearchParams(text.toString())),
    );
    app.get("/sign-up", (_request, reply) => sendPage(reply, 200, form({ name: "", refusal: "" })));
    app.post("/sign-up", async (request, reply) => {
      const fields = request.body instanceof URLSearchParams ? request.body : new URLSearchParams();
      const actor = { ...NOBODY, address: request.ip, requestId: request.id };
      const { status, html } = await handIn({ ...ctx, actor }, fields);
      return sendPage(reply, status, html);
    });
  };

async function handIn(ctx: Context, fields: URLSearchParams): Promise<{ status: number; html: string }> {
  const field = (key: string): string => fields.get(key) ?? "";
  const name = field("name");
  try {
    const user = await signUp(ctx, { secret: field("secret"), name, password: field("password") });
    return { status: 201, html: welcome(user.name) };
  } catch (error) {
    if (!(error instanceof DomainError)) throw error;
    return { status: error.kind === "not_found" ? 404 : 400, html: form({ name, refusal: error.message }) };
  }
}

const welcome = (name: string): string =>
  page(`<p>${escaped(name)} is the first admin.</p><p>Sign in on your machine: <code>headgate login</code>.
Every operation is described at <a href="/docs">/docs</a>.</p>`);
