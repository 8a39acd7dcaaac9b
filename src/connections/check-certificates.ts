import { X509Certificate } from "node:crypto";
import { DomainError } from "../kernel/errors.ts";

const LABEL = /-----BEGIN ([A-Z0-9 ]{1,40})-----/g;
const CERTIFICATE = /-----BEGIN CERTIFICATE-----[\s\S]*?-----END CERTIFICATE-----/g;

const refuse = (reason: string): never => {
  throw new DomainError("INPUT_INVALID", `caPem: ${reason}`);
};

/**
 * Makes sure that a PEM text holds certificates and nothing else, each of them readable: TLS would pass over a broken
 * one without a word, and whatever else stands in the text is shown to everybody who sees the connection.
 * Throws INPUT_INVALID.
 */
export function checkCertificates(pem: string): void {
  const labels = [...pem.matchAll(LABEL)].map(([, label = ""]) => label);
  const other = labels.find((label) => label !== "CERTIFICATE");
  if (other !== undefined) refuse(`must hold certificates only, and there is a block "${other}" in it`);
  if (labels.length === 0)
    refuse("not a certificate in PEM form: there is no line -----BEGIN CERTIFICATE-----");
  const blocks = pem.match(CERTIFICATE) ?? [];
  if (blocks.length !== labels.length) refuse("a certificate in it has no line -----END CERTIFICATE-----");
  for (const [index, block] of blocks.entries())
    if (!isReadable(block)) refuse(`certificate ${index + 1} of ${blocks.length} in it cannot be read`);
}

function isReadable(block: string): boolean {
  try {
    return new X509Certificate(block).raw.length > 0;
  } catch {
    return false;
  }
}
