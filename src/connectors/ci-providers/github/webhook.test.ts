import { describe, expect, it } from "vitest";
import { signatureOf } from "../../../../test/support/github/webhooks.ts";
import { webhookExample } from "../../../../test/support/github/webhook-shapes.ts";
import { readWorkflowRunEvent, verifyWebhook } from "./webhook.ts";

// The example of GitHub's documentation, "Validating webhook deliveries".
const SECRET = "It's a Secret to Everybody";
const BODY = Buffer.from("Hello, World!");
const SIGNATURE = "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17";

describe("the signature of a webhook", () => {
  it("is GitHub's, whatever the case of its digits", () => {
    expect(verifyWebhook(SECRET, BODY, SIGNATURE)).toBe(true);
    expect(verifyWebhook(SECRET, BODY, `sha256=${SIGNATURE.slice(7).toUpperCase()}`)).toBe(true);
  });

  it.for([
    ["no header", null],
    ["an empty one", ""],
    ["the older kind", "sha1=01dc10d0c83e72ed246219cdd91669667fe2ca59"],
    ["bare digits", SIGNATURE.slice(7)],
    ["too few digits", SIGNATURE.slice(0, -1)],
    ["too many digits", `${SIGNATURE}0`],
    ["another digest", SIGNATURE.replace("7", "8")],
    ["what is no digest", `sha256=${"g".repeat(64)}`],
  ] as const)("is refused: %s", ([, header]) => {
    expect(verifyWebhook(SECRET, BODY, header)).toBe(false);
  });

  it("is refused for another body or secret, and always where there is no secret", () => {
    expect(verifyWebhook(SECRET, Buffer.from("Hello, World! "), SIGNATURE)).toBe(false);
    expect(verifyWebhook(`${SECRET} `, BODY, SIGNATURE)).toBe(false);
    expect(verifyWebhook("", BODY, signatureOf("", BODY.toString()))).toBe(false);
  });

  it("counts the bytes as they came, also those that are no text", () => {
    const bytes = Buffer.from([0xff, 0xfe, 0x00]);
    expect(verifyWebhook(SECRET, bytes, signatureOf(SECRET, bytes.toString()))).toBe(false);
  });
});

describe("the run that a webhook names", () => {
  const bytes = (value: unknown): Buffer => Buffer.from(JSON.stringify(value));

  it.for(["requested", "completed"])("is read from GitHub's own example of %s", (action) => {
    expect(readWorkflowRunEvent("workflow_run", bytes(webhookExample("workflow_run", action)))).toEqual({
      repository: expect.stringMatching(/^[^/]+\/[^/]+$/) as string,
      run: expect.stringMatching(/^\d+$/) as string,
      workflow: expect.stringMatching(/^\.github\/workflows\//) as string,
    });
  });

  it.for([
    ["another event", "workflow_job", webhookExample("workflow_run", "completed")],
    ["a ping", "ping", { zen: "Design for failure." }],
    ["no run", "workflow_run", { action: "completed" }],
    [
      "a run without a number",
      "workflow_run",
      { ...webhookExample("workflow_run", "completed"), workflow_run: {} },
    ],
    ["null", "workflow_run", null],
  ] as const)("is none for %s", ([, event, body]) => {
    expect(readWorkflowRunEvent(event, bytes(body))).toBeNull();
  });

  it("is none for what is no JSON and no text", () => {
    expect(readWorkflowRunEvent("workflow_run", Buffer.from("{"))).toBeNull();
    expect(readWorkflowRunEvent("workflow_run", Buffer.from([0xff, 0xfe]))).toBeNull();
    expect(readWorkflowRunEvent("workflow_run", Buffer.alloc(0))).toBeNull();
  });
});
